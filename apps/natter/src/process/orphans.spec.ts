import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { writeIdentity } from '../files/identity-file.js'
import { endOrphan } from './orphans.js'
import { identify, isAlive, signal, type ProcessIdentity } from './process-identity.js'

describe('what a killed run left behind', () => {
  let folder: string
  let file: string
  let child: ChildProcess | undefined

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'natter-orphans-'))
    file = join(folder, 'server.pid')
  })

  afterEach(() => {
    child?.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  async function started(code: string): Promise<ProcessIdentity> {
    const one = spawn(process.execPath, ['-e', `${code}; setInterval(() => {}, 60_000); console.log('up')`], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    child = one
    await new Promise((resolve) => one.stdout.once('data', resolve))
    const identity = identify(one.pid ?? 0)
    if (identity === null) throw new Error('it ended at once')
    writeIdentity(file, identity)
    return identity
  }

  it('is ended and forgotten', async () => {
    const orphan = await started('')
    expect(await endOrphan(file)).toBe(true)
    expect([isAlive(orphan), existsSync(file)]).toEqual([false, false])
  })

  it('fails the start with its number and what to do when it can’t be ended: waiting for ever would say nothing', async () => {
    const { pid } = await started('')
    const refused = jest.fn<typeof signal>(() => false) // as EPERM
    await expect(endOrphan(file, refused)).rejects.toMatchObject({
      code: 'orphan-stays',
      message: expect.stringContaining(`kill ${pid}`),
    })
    expect(existsSync(file)).toBe(true)
  })

  it('is sent SIGQUIT before it is killed, because a killed Postgres leaves its children behind', async () => {
    const orphan = await started(
      `process.on('SIGINT', () => {}); process.on('SIGQUIT', () => process.exit())`,
    )
    const sent: string[] = []
    const send: typeof signal = (identity, name) => {
      sent.push(name)
      return signal(identity, name)
    }
    expect(await endOrphan(file, send)).toBe(true)
    expect([sent, isAlive(orphan)]).toEqual([['SIGINT', 'SIGQUIT'], false])
  }, 20_000)
})
