import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { root } from './repository.js'

let folder = ''
/** As the repository is to it. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'natter-loader-'))
  for (const file of ['typescript.mjs', 'paths.mjs'])
    cpSync(join(root, 'tools', file), join(folder, 'tools', file))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(join(root, 'node_modules/@swc'), join(folder, 'node_modules/@swc'))
  alias('one.ts')
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function alias(file: string): void {
  const compilerOptions = { paths: { '@natter/thing': [`./${file}`] } }
  write('tsconfig.json', JSON.stringify({ compilerOptions }))
}

const write = (file: string, text: string): void => writeFileSync(join(folder, file), text)

/** What it prints. */
function printed(file: string): string {
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', './tools/typescript.mjs', file], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  })
  return `${stdout}${stderr}`.trim()
}

describe('the loader of TypeScript', () => {
  it('runs what stands in the file now, again and again, whatever it has kept', () => {
    for (const text of ['one', 'one', 'two', 'one']) {
      write('main.ts', `const text: string = '${text}'\nconsole.log(text)`)
      expect(printed('main.ts')).toBe(text)
    }
  })

  it('runs what a file imports as it is now, by the aliases of tsconfig.json as they are now', () => {
    write('main.ts', `import { a } from '@natter/thing'\nconsole.log(a)`)
    write('one.ts', `export { a } from './deep.js'`)
    write('two.ts', `export const a: string = 'another'`)
    for (const text of ['one', 'two']) {
      write('deep.ts', `export const a: string = '${text}'`)
      expect(printed('main.ts')).toBe(text)
    }
    alias('two.ts')
    expect(printed('main.ts')).toBe('another')
  })

  it("gives the files of a copy the copy's libs, or a bug that is planted there would never run (T4)", () => {
    write('one.ts', `export const a: string = 'ours'`)
    mkdirSync(join(folder, 'copy', 'src'), { recursive: true })
    cpSync(join(folder, 'tsconfig.json'), join(folder, 'copy', 'tsconfig.json'))
    write('copy/one.ts', `export const a: string = 'the copy’s'`)
    write('copy/src/main.ts', `import { a } from '@natter/thing'\nconsole.log(a)`)
    expect(printed('copy/src/main.ts')).toBe('the copy’s')
  })

  it('compiles anew what was compiled with other settings', () => {
    write('main.ts', `class A {}\nconsole.log(String(A).startsWith('class'))`)
    expect(printed('main.ts')).toBe('true')
    const loader = readFileSync(join(folder, 'tools/typescript.mjs'), 'utf8')
    const older = loader.replace("target: 'es2023'", "target: 'es5'")
    expect(older).not.toBe(loader)
    write('tools/typescript.mjs', older)
    expect(printed('main.ts')).toBe('false')
  })
})
