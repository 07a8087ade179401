import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { oneAtATime } from './one-at-a-time.mjs'
import { root } from './repository.js'

const program = `
  import { appendFileSync } from 'node:fs'
  const [tool, lock, log] = process.argv.slice(1)
  const { oneAtATime } = await import(tool)
  await oneAtATime(lock, async () => {
    appendFileSync(log, 'in ')
    await new Promise((resolve) => setTimeout(resolve, 20))
    appendFileSync(log, 'out ')
  })`

describe('oneAtATime', () => {
  let folder: string
  let lock: string
  const children: ChildProcess[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'natter-lock-'))
    lock = join(folder, 'set-up.lock')
  })

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  const contend = async (log: string): Promise<unknown> => {
    const args = ['--input-type=module', '-e', program, join(root, 'tools/one-at-a-time.mjs'), lock, log]
    const child = spawn(process.execPath, args, { stdio: 'ignore', env: { PATH: process.env['PATH'] } })
    children.push(child)
    return (await once(child, 'exit'))[0] as unknown
  }

  it('several who find the lock of a killed process work one after another: none deletes a fresh lock', async () => {
    writeFileSync(lock, JSON.stringify({ pid: 4_194_305, startedAt: 'gone' }))
    const log = join(folder, 'log')
    expect(await Promise.all(Array.from({ length: 6 }, () => contend(log)))).toEqual([0, 0, 0, 0, 0, 0])
    expect(readFileSync(log, 'utf8')).toBe('in out '.repeat(6))
  })

  it.each([
    [
      'a process that was given the number of a killed one',
      { pid: process.pid, startedAt: 'before the boot' },
    ],
    ['a lock of an earlier build, a mere number', process.pid],
  ])('%s does not hold the lock', async (_, content) => {
    writeFileSync(lock, JSON.stringify(content))
    expect(await oneAtATime(lock, async () => 'done')).toBe('done')
  })

  it('who waits says for whom', async () => {
    let leave = (): void => {}
    const first = oneAtATime(lock, () => new Promise<void>((resolve) => (leave = resolve)))
    let second: Promise<void> | undefined
    const said = new Promise<string>((resolve) => {
      second = oneAtATime(lock, async () => {}, resolve)
    })
    expect(await said).toContain(`process ${process.pid}`)
    leave()
    await Promise.all([first, second])
  })
})
