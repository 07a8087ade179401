import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { RotatingFile } from './rotating-file.js'

describe('a log file', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'natter-log-'))
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  it('never takes more than twice its size, because a laptop may run for months', () => {
    const file = new RotatingFile(join(folder, 'a.log'), 100)
    for (let line = 0; line < 100; line += 1) file.writeLine(`line ${line}`)
    file.close()
    expect(readdirSync(folder).toSorted()).toEqual(['a.log', 'a.log.1'])
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(100)
    expect(readFileSync(join(folder, 'a.log'), 'utf8')).toContain('line 99\n')
  })

  it('goes on where an earlier run ended', () => {
    for (const line of ['first', 'second']) {
      const file = new RotatingFile(join(folder, 'a.log'))
      file.writeLine(line)
      file.close()
    }
    expect(readFileSync(join(folder, 'a.log'), 'utf8')).toBe('first\nsecond\n')
  })
})
