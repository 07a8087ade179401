/**
 * Packs what people install: `npm run pack` leaves tarballs in dist/packages, one for each package named here.
 *
 *   node tools/pack.mjs [--out <folder>]
 *
 * P1. A package holds the libs it is made of, compiled, with their declarations: the repository's aliases (`@natter/broker`) become
 *     relative paths, so whoever installs it knows nothing of them.
 * P2. Versions of dependencies are those of the repository's package.json; what it doesn't name fails the pack.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { filesIn } from './files.mjs'
import { bareImports, packageOf, pinnedVersion } from './imports.mjs'
import { root } from './paths.mjs'
import { run } from './run.mjs'

const packages = [
  {
    name: '@natter/nest',
    lib: 'nest',
    description: 'Apps of a Natter mesh: realtime events in Nest controllers',
    doors: { '.': 'libs/nest/src/index.ts', './testing': 'libs/nest/src/testing/index.ts' },
    peers: {
      '@nestjs/common': '^12.0.0',
      '@nestjs/core': '^12.0.0',
      '@nestjs/testing': '^12.0.0',
      'reflect-metadata': '^0.2.0',
      rxjs: '^7.8.0',
    },
    /** Only the door `./testing` needs it. */
    optional: ['@nestjs/testing'],
  },
  {
    name: '@natter/client',
    lib: 'client',
    description: 'The typed client of a Natter mesh, for browsers and Node',
    doors: { '.': 'libs/client/src/index.ts', './react': 'libs/client/src/react/index.ts' },
    peers: { centrifuge: '^5.4.0', react: '>=18.2.0' },
    /** Only the door `./react` needs it. */
    optional: ['react'],
  },
]

const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))

/** Compiles the doors and all they import into `<folder>/lib`, with the layout of the repository. */
async function compile(folder, doors) {
  const config = join(folder, 'tsconfig.json')
  const files = Object.values(doors).map((file) => relative(folder, join(root, file)))
  const options = {
    noCheck: true, // `npm run typecheck` checks
    declaration: true,
    sourceMap: false,
    incremental: false,
    rootDir: relative(folder, root),
    outDir: 'lib',
    types: ['node'],
    typeRoots: [relative(folder, join(root, 'node_modules/@types'))],
    paths: Object.fromEntries(
      Object.entries(compilerOptions.paths).map(([alias, [file]]) => [
        alias,
        [`./${relative(folder, join(root, file))}`],
      ]),
    ),
  }
  const extend = relative(folder, join(root, 'tsconfig.json'))
  await writeFile(config, JSON.stringify({ extends: extend, compilerOptions: options, files, include: [] }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { ok, stdout, stderr } = await run(process.execPath, [tsc, '-p', config], { timeoutMs: 300_000 })
  await rm(config)
  if (!ok) throw new Error(`tsc: ${stdout}${stderr}`)
}

/** P1. Answers the packages that the files import. */
function rewriteAliases(folder) {
  const imported = new Set()
  for (const file of filesIn(join(folder, 'lib'))) {
    if (!/\.(js|d\.ts)$/.test(file)) continue
    let text = readFileSync(file, 'utf8')
    for (const { target, pos } of bareImports(text).toReversed()) {
      const door = compilerOptions.paths[target]?.[0]
      if (door === undefined) imported.add(packageOf(target))
      else text = text.slice(0, pos + 1) + pathTo(folder, file, door) + text.slice(pos + 1 + target.length)
    }
    writeFileSync(file, text)
  }
  return imported
}

function pathTo(folder, file, door) {
  const path = relative(dirname(file), join(folder, 'lib', door.replace(/\.ts$/, '.js')))
    .split(sep)
    .join('/')
  return path.startsWith('.') ? path : `./${path}`
}

function manifest({ name, description, doors, peers, optional }, imported) {
  const dependencies = [...imported].filter((one) => !(one in peers)).toSorted()
  return {
    name,
    version: own.version,
    description,
    license: own.license,
    author: own.author,
    type: 'module',
    engines: own.engines,
    exports: Object.fromEntries(
      Object.entries(doors).map(([door, file]) => {
        const path = `./lib/${file.replace(/\.ts$/, '')}`
        return [door, { types: `${path}.d.ts`, default: `${path}.js` }]
      }),
    ),
    files: ['lib'],
    // P2
    dependencies: Object.fromEntries(dependencies.map((one) => [one, pinnedVersion(one, own)])),
    peerDependencies: peers,
    peerDependenciesMeta: Object.fromEntries(optional.map((one) => [one, { optional: true }])),
  }
}

async function packOne(target, out) {
  const folder = join(root, 'dist', 'packing', target.lib)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await compile(folder, target.doors)
  const imported = rewriteAliases(folder)
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest(target, imported), undefined, 2))
  await copyFile(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  await copyFile(join(root, 'libs', target.lib, 'README.md'), join(folder, 'README.md'))
  const { ok, stdout, stderr } = await run('npm', ['pack', '--json', '--pack-destination', out], {
    cwd: folder,
  })
  if (!ok) throw new Error(`npm pack of ${target.name}: ${stderr}`)
  return join(out, JSON.parse(stdout)[0].filename)
}

/** Packs all packages into `out`; answers the tarballs by package name. */
export async function pack(out = join(root, 'dist', 'packages')) {
  await mkdir(out, { recursive: true })
  const tarballs = {}
  for (const target of packages) tarballs[target.name] = await packOne(target, out)
  return tarballs
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const at = process.argv.indexOf('--out')
  const tarballs = await pack(at < 0 ? undefined : process.argv[at + 1])
  for (const file of Object.values(tarballs)) process.stdout.write(`${file}\n`)
}
