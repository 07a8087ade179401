import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { commands } from '../../commands/table.js'
import { bashCompletion } from './bash.js'
import { fishCompletion } from './fish.js'
import { zshCompletion } from './zsh.js'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'natter-completion-'))
  writeFileSync(join(folder, 'a-file.pem'), '')
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What bash offers behind these words; the last one is being typed. */
function offered(...words: string[]): string[] {
  const script = [
    bashCompletion(commands),
    'COMP_WORDS=(natter "$@"); COMP_CWORD=$#; COMP_LINE="natter $*"; COMP_POINT=${#COMP_LINE}',
    '_natter',
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join('\n')
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', script, 'natter', ...words], {
    encoding: 'utf8',
    cwd: folder,
  })
  expect([status, stderr]).toEqual([0, ''])
  return stdout.split('\n').filter((line) => line !== '')
}

describe('completion by bash', () => {
  it('offers commands', () => {
    expect(offered('to')).toEqual(['token'])
    expect(offered('')).toEqual(expect.arrayContaining(['start', 'token', 'history', 'apps', 'help']))
    expect(offered('--js')).toEqual(['--json'])
  })

  it('offers second words of those that have them, also behind flags', () => {
    expect(offered('apps', '')).toEqual(['forget'])
    expect(offered('dev', 'g')).toEqual(['gateway'])
    expect(offered('--json', 'apps', 'f')).toEqual(['forget'])
    expect(offered('help', 'tok')).toEqual(['token'])
  })

  it('offers the flags of the command, and those of the longer name where it is there', () => {
    expect(offered('history', '--fo')).toEqual(['--follow'])
    expect(offered('token', '--ch')).toEqual(['--channels'])
    expect(offered('dev', 'gateway', '--p')).toEqual(['--port'])
    expect(offered('info', '--fo')).toEqual([])
  })

  it('offers what a flag or an argument takes', () => {
    expect(offered('check-config', '--app', '')).toEqual(['gateway', 'persistence', 'messenger', 'all'])
    expect(offered('completion', 'z')).toEqual(['zsh'])
    expect(offered('token', '--key-file', 'a-')).toEqual(['a-file.pem'])
    expect(offered('token', '--user', '')).toEqual([])
  })

  it('knows a value from an argument', () => {
    expect(offered('token', '--user', 'completion', '--al')).toEqual(['--algorithm'])
  })
})

/** Whether the shell, where there is one, takes the script. */
function complaints(shell: string, args: readonly string[], script: string): string {
  const file = join(folder, `script.${shell}`)
  writeFileSync(file, script)
  const { error, stderr, status } = spawnSync(shell, [...args, file], { encoding: 'utf8' })
  return error !== undefined || status === 0 ? '' : stderr
}

describe('completion by other shells', () => {
  it('names each command and each flag', () => {
    for (const script of [zshCompletion(commands), fishCompletion(commands)])
      for (const word of ['check-token', 'forget', 'idempotency-key', 'gateway'])
        expect(script).toContain(word)
  })

  it('is a script that the shell reads, where it is installed', () => {
    expect(complaints('bash', ['-n'], bashCompletion(commands))).toBe('')
    expect(complaints('zsh', ['-n'], zshCompletion(commands))).toBe('')
    expect(complaints('fish', ['--no-execute'], fishCompletion(commands))).toBe('')
  })
})
