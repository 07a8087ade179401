/**
 * Lets Node run the repository's TypeScript: `node --import ./tools/typescript.mjs file.ts`. With `--enable-source-maps` stacks name the
 * lines that people wrote.
 *
 * T1. A file is compiled once and kept by the hash of all that it depends on, so a process of the tests starts nearly as fast as a built
 *     one: the compiler itself is loaded only when something is new.
 * T2. What is kept is written beside and renamed: many processes start at once and do no harm.
 * T3. Decorators and their metadata come out as in the build, because Nest injects by them.
 * T4. A file's libs are those of the repository around it, which may be a copy with another bug than ours.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { root } from './paths.mjs'

const require = createRequire(import.meta.url)
const cacheFolder = join(root, 'node_modules', '.cache', 'natter-typescript')

const options = {
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true }, // T3
  },
  module: { type: 'es6' },
  sourceMaps: 'inline',
  swcrc: false,
}

const version = JSON.stringify([options, require('@swc/core/package.json').version])

/** By folder of the files that import. */
const known = new Map()

/** T4. */
function aliasesFor(folder) {
  const found = known.get(folder)
  if (found !== undefined) return found
  const config = join(folder, 'tsconfig.json')
  const paths = existsSync(config)
    ? JSON.parse(readFileSync(config, 'utf8')).compilerOptions?.paths
    : undefined
  const above = dirname(folder)
  let aliases = new Map()
  if (paths !== undefined) {
    const urlOf = (file) => pathToFileURL(join(folder, file)).href
    aliases = new Map(Object.entries(paths).map(([alias, [file]]) => [alias, urlOf(file)]))
  } else if (above !== folder) aliases = aliasesFor(above)
  known.set(folder, aliases)
  return aliases
}

/** Of one of our libs, by its name. */
function libOf(specifier, parentURL) {
  if (!specifier.startsWith('@') || !parentURL?.endsWith('.ts')) return undefined
  return aliasesFor(dirname(fileURLToPath(parentURL))).get(specifier)
}

/** Of our own `./x.js` the source is `./x.ts`. */
function sourceOf(specifier, parentURL) {
  if (!/^\.{1,2}\/.*\.js$/.test(specifier) || !parentURL?.endsWith('.ts')) return undefined
  const url = new URL(specifier.replace(/\.js$/, '.ts'), parentURL)
  return existsSync(url) ? url.href : undefined
}

function compiled(file) {
  const source = readFileSync(file, 'utf8')
  const hash = createHash('sha256').update(version).update(file).update('\0').update(source).digest('hex')
  const kept = join(cacheFolder, `${hash}.js`)
  if (existsSync(kept)) return readFileSync(kept, 'utf8') // T1
  const { code } = require('@swc/core').transformSync(source, { ...options, filename: file })
  keep(kept, code)
  return code
}

/** Whoever may not write there, as a test under another user, compiles each time. */
function keep(file, code) {
  const beside = `${file}.${process.pid}`
  try {
    mkdirSync(cacheFolder, { recursive: true })
    writeFileSync(beside, code)
    renameSync(beside, file) // T2
  } catch (error) {
    if (!['EACCES', 'EROFS'].includes(error.code)) throw error
  }
}

registerHooks({
  resolve(specifier, context, next) {
    const url = libOf(specifier, context.parentURL) ?? sourceOf(specifier, context.parentURL)
    return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true }
  },
  load(url, context, next) {
    if (!url.startsWith('file:') || !url.endsWith('.ts') || url.includes('/node_modules/'))
      return next(url, context)
    return { format: 'module', source: compiled(fileURLToPath(url)), shortCircuit: true }
  },
})
