import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { systemClock } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import { ManagedProcess } from './managed-process.js'

/** Starts a process that outlives it and has the same output, as nats-server and Postgres have; names it in a file. */
const withHeir = `
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
const heir = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: ['ignore', 'inherit', 'inherit'] })
writeFileSync(process.argv[2], String(heir.pid))
process.on('disconnect', () => process.exit(0))
process.send({ type: 'ready' })
`

describe('a child that left somebody behind who holds its output', () => {
  let folder: string
  const heirs: number[] = []
  let managed: ManagedProcess | undefined

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'natter-managed-'))
  })

  afterEach(async () => {
    for (const pid of heirs.splice(0)) process.kill(pid, 'SIGKILL')
    await managed?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function started(): Promise<ManagedProcess> {
    const file = join(folder, 'child.mjs')
    const note = join(folder, 'heir')
    writeFileSync(file, withHeir)
    const one = new ManagedProcess(
      {
        name: 'child',
        program: { file, execArgv: [], args: [note] },
        cwd: folder,
        env: { ...process.env, NODE_OPTIONS: '' },
        readyTimeoutMs: 20_000,
        stopTimeoutMs: 5_000,
      },
      systemClock,
    )
    managed = one
    await new Promise<void>((resolve) => {
      one.events.on('process:ready', () => {
        heirs.push(Number(readFileSync(note, 'utf8')))
        resolve()
      })
      one.start()
    })
    return one
  }

  it('has ended all the same: it is told and started again', async () => {
    const one = await started()
    const ended = new Promise((resolve) => one.events.on('process:exit', resolve))
    one.kill()
    expect(await ended).toMatchObject({ how: 'signal SIGKILL', wasReady: true, wasWanted: false })
  })

  it('does not hold up a stop, or Ctrl-C would never come to its end', async () => {
    const one = await started()
    await one.stop()
    expect(one.isReady).toBe(false)
  })
})

describe('a child whose start can’t be prepared', () => {
  it('is not started, says why, and is tried again: a full disk swallowed would look like a broken server', async () => {
    const clock = new ManualClock()
    let tries = 0
    const one = new ManagedProcess(
      {
        name: 'nats',
        program: { file: '/nowhere.mjs', execArgv: [] },
        cwd: tmpdir(),
        env: {},
        readyTimeoutMs: 20_000,
        stopTimeoutMs: 5_000,
        beforeStart: () => {
          tries += 1
          return Promise.reject(new Error('ENOSPC: no space left on device'))
        },
      },
      clock,
    )
    const told: string[] = []
    one.events.on('process:line', ({ line, stream }) => told.push(`${stream} ${line}`))
    one.events.on('process:starting', () => told.push('started'))
    const exit = new Promise((resolve) => one.events.on('process:exit', resolve))
    one.start()
    expect(await exit).toEqual({
      pid: 0,
      how: 'its start could not be prepared',
      wasReady: false,
      wasWanted: false,
    })
    expect(told).toEqual(["stderr can't be prepared to start: ENOSPC: no space left on device"])
    expect(one.tail).toHaveLength(1)
    await clock.advanceAsync(30_000)
    expect(tries).toBeGreaterThan(1)
    expect(told).not.toContain('started')
    await one.stop()
  })
})
