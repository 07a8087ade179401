/** Bundles the page's script as an app's build would, and writes it to the file that is named. */
import { build } from 'vite'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [file] = process.argv.slice(2)
const built = await build({
  configFile: false,
  logLevel: 'error',
  root: import.meta.dirname,
  build: {
    write: false,
    target: 'es2022',
    minify: false,
    lib: { entry: join(import.meta.dirname, 'page.ts'), formats: ['es'] },
  },
})
const [{ output }] = Array.isArray(built) ? built : [built]
if (output.length !== 1) throw new Error(`one file was expected, there are ${output.length}`)
writeFileSync(file, output[0].code)
