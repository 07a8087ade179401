import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { root } from './repository.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'natter-sdk-program-spec-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const cacheOf = (name: string): string[] =>
  readdirSync(join(folder, 'natter')).filter((each) => each.startsWith(name))

/** With nothing around but a program that fails, where one is named. */
function obtain(tool: string, failing?: string) {
  if (failing !== undefined) {
    writeFileSync(join(folder, failing), '#!/bin/sh\necho "not today" >&2\nexit 1\n')
    chmodSync(join(folder, failing), 0o755)
  }
  const env = { PATH: folder, XDG_CACHE_HOME: folder, HOME: folder, TMPDIR: folder }
  const args = [join(root, 'tools', `${tool}.mjs`)]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env })
  return { status, stdout, said: stderr }
}

describe('a program with an official SDK', () => {
  it.each([
    ['go-sdk', 'go', 'go SDK: Go is not installed'],
    ['python-sdk', 'python3', 'python SDK: not today'],
    ['java-sdk', undefined, 'java SDK: javac is not installed'],
    ['java-sdk', 'javac', 'java SDK: not today'],
  ])(
    'is missed in a sentence, which the skipped tests repeat: %s without a working %s',
    (tool, failing, said) => {
      expect(obtain(tool, failing)).toMatchObject({
        status: 1,
        stdout: '',
        said: expect.stringContaining(said),
      })
    },
  )

  it('that could not be made is not believed the next time', () => {
    obtain('java-sdk')
    expect(cacheOf('java-sdk')).toHaveLength(1)
    expect(obtain('java-sdk').said).toContain('javac is not installed')
  })
})
