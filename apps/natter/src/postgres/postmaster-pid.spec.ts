import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { until } from '../../test/running-mesh.js'
import { disownReusedPid } from './postmaster-pid.js'

/** Postgres takes any process of its user for its rival, also one that has ended and that nobody has looked after. */
describe('the file that a killed server leaves', () => {
  let folder: string
  let child: ChildProcess | undefined
  let program = 0

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'natter-postmaster-'))
  })

  afterEach(() => {
    child?.kill('SIGKILL')
    if (program > 0) process.kill(program, 'SIGKILL')
    program = 0
    rmSync(folder, { recursive: true, force: true })
  })

  const file = () => join(folder, 'postmaster.pid')
  const rest = `\n/cluster\n1700000000\n8021\n`
  const owner = (pid: number): string | undefined => {
    writeFileSync(file(), `${pid}${rest}`)
    disownReusedPid(folder)
    const [first, ...others] = readFileSync(file(), 'utf8').split('\n')
    expect(`\n${others.join('\n')}`).toBe(rest)
    return first
  }
  /** A program of this name in this folder; with `isDead`, one whose parent doesn't look after it. */
  const programCalled = async (name: string, cwd: string, isDead = false): Promise<number> => {
    const path = join(folder, name)
    symlinkSync('/bin/sleep', path)
    const script = `"${path}" ${isDead ? 0 : 60} & echo $!; ${isDead ? 'exec sleep 60' : 'wait'}`
    child = spawn('/bin/sh', ['-c', script], { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
    const [text] = (await once(child.stdout ?? child, 'data')) as [Buffer]
    const pid = Number(text.toString())
    const isIt = () => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      return stat.includes(`(${name})`) && stat.includes(') Z') === isDead
    }
    if (!isDead) program = pid
    await until(isIt, 5000, `${name} runs, or has ended`)
    return pid
  }

  it('is put into our name when its process is a zombie: Postgres would wait for it for ever', async () => {
    const zombie = await programCalled('postgres', folder, true)
    expect(owner(zombie)).toBe(String(process.pid))
  })

  it('is put into our name when its number is a server of another folder now', async () => {
    const stranger = await programCalled('postgres', tmpdir())
    expect(owner(stranger)).toBe(String(process.pid))
  })

  it('stays when its server runs in this very folder: two would write the same data', async () => {
    const server = await programCalled('postgres', folder)
    expect(owner(server)).toBe(String(server))
  })
})
