/** Bundles the page as Vite does it, and writes the script to the file that is named. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'

const [file] = process.argv.slice(2)
const root = join(import.meta.dirname, '../../..')
const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))
const alias = Object.entries(compilerOptions.paths)
  .toReversed() // the longer ones first
  .map(([find, [path]]) => ({ find: new RegExp(`^${find}$`), replacement: join(root, path) }))
const built = await build({
  configFile: false,
  logLevel: 'error',
  root: import.meta.dirname,
  resolve: { alias },
  define: { 'process.env.NODE_ENV': '"development"' },
  build: {
    write: false,
    target: 'es2022',
    minify: false,
    lib: { entry: join(import.meta.dirname, 'hello.tsx'), formats: ['es'] },
  },
})
const [{ output }] = Array.isArray(built) ? built : [built]
writeFileSync(file, output[0].code)
