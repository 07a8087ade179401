import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { identify } from '../process/process-identity.js'
import { acquireLock } from './run-lock.js'

describe('the lock of a run', () => {
  let folder: string
  let file: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'natter-lock-'))
    file = join(folder, 'natter.lock')
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  it('is held by one, named, until it is released', () => {
    const first = acquireLock(file)
    expect(first.is).toBe('acquired')
    expect(acquireLock(file)).toEqual({ is: 'held', by: identify(process.pid) })
    if (first.is === 'acquired') first.release()
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([
    ['a process that is gone', JSON.stringify({ pid: 2 ** 22 + 1, startedAt: 'once' })],
    ['a number that another process has now', JSON.stringify({ pid: process.pid, startedAt: 'once' })],
    ['half a file, written when the disk was full', '{"pid":'],
  ])('is taken over from %s', (_, left) => {
    writeFileSync(file, left)
    expect(acquireLock(file).is).toBe('acquired')
    expect(readdirSync(folder)).toEqual(['natter.lock'])
  })

  it('is not given back by who lost it', () => {
    const lost = acquireLock(file, { pid: 2 ** 22 + 1, startedAt: 'once' })
    const taken = acquireLock(file)
    if (lost.is === 'acquired') lost.release()
    expect(taken.is).toBe('acquired')
    expect(acquireLock(file).is).toBe('held')
  })
})
