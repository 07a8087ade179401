import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { debianSource } from './apt-source.mjs'

describe("the machine's own Debian mirror", () => {
  let etc: string

  beforeEach(() => {
    etc = mkdtempSync(join(tmpdir(), 'natter-apt-'))
    mkdirSync(join(etc, 'sources.list.d'))
  })

  afterEach(() => rmSync(etc, { recursive: true }))

  it('is read from the deb822 form, with its key, past archives that have no such suite', () => {
    writeFileSync(
      join(etc, 'sources.list.d', 'debian.sources'),
      [
        'Types: deb\nURIs: http://mirror.example/security\nSuites: stable-security\nComponents: main\n',
        'Types: deb deb-src\n# ours\nURIs: http://mirror.example/debian\nSuites: stable stable-updates',
        'Components: main contrib\nSigned-By: /keys/debian.gpg\n',
      ].join('\n'),
    )
    expect(debianSource('forky', etc)).toBe(
      'deb [signed-by=/keys/debian.gpg] http://mirror.example/debian forky main',
    )
  })

  it('is read from the form with one line each, and a comment is none', () => {
    writeFileSync(
      join(etc, 'sources.list'),
      '# deb http://old.example stable main\ndeb [arch=amd64] http://mirror.example/debian stable main\n',
    )
    expect(debianSource('forky', etc)).toBe('deb http://mirror.example/debian forky main')
  })

  it('is nothing where there is none, and then another way is tried', () => {
    writeFileSync(join(etc, 'sources.list.d', 'tool.list'), 'deb http://tool.example/apt tool main\n')
    expect(debianSource('forky', etc)).toBeNull()
  })
})
