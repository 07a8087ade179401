/**
 * Writes what is generated from declarations in the code: the pages of docs/reference and .env.example.
 *
 *   node --import ./tools/typescript.mjs tools/generate-reference.ts [--check]
 *
 * With `--check` nothing is written, and a file that differs makes the exit code 1.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generatedFiles } from './reference/generated-files.js'
import { readRepositoryFile, root } from './repository.js'

const isCheck = process.argv.includes('--check')

for (const [file, text] of await generatedFiles()) {
  const path = join(root, file)
  if (existsSync(path) && readRepositoryFile(file) === text) continue
  console.log(isCheck ? `${file} differs from the code` : `wrote ${file}`)
  if (isCheck) {
    process.exitCode = 1
    continue
  }
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
