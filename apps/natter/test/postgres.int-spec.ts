import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { withClient } from '@natter/testing'
import { isAlive } from '../src/process/process-identity.js'
import { anyAlive, MeshSite, until, type RunningMesh } from './running-mesh.js'

/** Some start three times, and on a machine with little to spare initdb takes seconds. */
jest.setTimeout(60_000)

describe('the embedded Postgres', () => {
  let site: MeshSite

  beforeEach(async () => {
    site = await MeshSite.open()
  })

  afterEach(() => site.clear())

  const start = () => site.start({ postgres: 'embedded' })
  const url = () => readFileSync(join(site.folder, 'postgres.url'), 'utf8').trim()
  const cluster = () => join(site.folder, 'postgres')
  const drafts = () => readdirSync(site.folder).filter((name) => name.startsWith('postgres.new-'))

  async function started(): Promise<RunningMesh> {
    const mesh = start()
    await mesh.ready()
    return mesh
  }

  async function query(text: string, at = url()): Promise<unknown[]> {
    const { rows } = await withClient(at, (client) => client.query<Record<string, unknown>>(text))
    return rows
  }

  async function kill(mesh: RunningMesh): Promise<void> {
    const left = [...mesh.processes().values()]
    mesh.signal('SIGKILL')
    await mesh.exited
    await until(() => !anyAlive(left), 10_000, 'all processes have ended')
  }

  it('takes our password alone, keeps text as UTF-8 and syncs what it has committed', async () => {
    await started()
    const settings = ['fsync', 'synchronous_commit', 'listen_addresses', 'unix_socket_directories']
    const rows = await query(
      `select name, setting from pg_settings where name in (${settings.map((name) => `'${name}'`).join()}) order by 1`,
    )
    expect(rows).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'synchronous_commit', setting: 'on' },
      { name: 'unix_socket_directories', setting: '' },
    ])
    expect(await query('show server_encoding')).toEqual([{ server_encoding: 'UTF8' }])
    await expect(query('select 1', url().replace(/:[\w-]+@/, ':wrong@'))).rejects.toThrow(/password/)
  })

  it('tells its password to the owner of the folder alone: not the terminal, not the list of processes', async () => {
    const mesh = await started()
    const [, password = ''] = /natter:([\w-]{40,})@/.exec(url()) ?? []
    expect(password).not.toBe('')
    expect(statSync(join(site.folder, 'postgres.url')).mode & 0o777).toBe(0o600)
    const logs = [...mesh.processes().keys(), 'postgres'].filter((name) =>
      existsSync(join(site.folder, 'logs', `${name}.log`)),
    )
    const said = [mesh.output, ...logs.map((name) => mesh.log(name))].join('\n')
    expect(said).not.toContain(password)
    expect(said).toContain('postgres.url')
    for (const { pid } of mesh.processes().values()) {
      const file = `/proc/${pid}/cmdline`
      if (existsSync(file)) expect(readFileSync(file, 'utf8')).not.toContain(password)
    }
  })

  it('keeps its data over a stop and over a kill of everything', async () => {
    const first = await started()
    await query('create table kept (n int)')
    await query('insert into kept values (1)')
    first.signal('SIGINT')
    expect(await first.exited).toBe(0)
    const second = await started()
    await query('insert into kept values (2)')
    await kill(second)
    await started()
    expect(await query('select n from kept order by n')).toEqual([{ n: 1 }, { n: 2 }])
  })

  it('is started again when it is killed, with what it had committed, and the gateways stay', async () => {
    const mesh = await started()
    const gateway = mesh.process('gateway-1')
    await query('create table kept as select 7 as n')
    await mesh.killAndAwaitNext('postgres-server')
    expect(await query('select n from kept')).toEqual([{ n: 7 }])
    expect(isAlive(gateway)).toBe(true)
  })

  it('goes with its guard, and both come back', async () => {
    const mesh = await started()
    const server = mesh.process('postgres-server')
    await mesh.killAndAwaitNext('postgres')
    expect(isAlive(server)).toBe(false)
    expect(await query('select 1 as n')).toEqual([{ n: 1 }])
  })

  it('ends in time though a client is in the middle of something', async () => {
    const mesh = await started()
    const busy = query('select pg_sleep(60)').catch(() => 'sent away')
    await until(async () => (await activeSleeps()) === 1, 5000, 'the client sleeps')
    const askedAt = Date.now()
    mesh.signal('SIGINT')
    expect(await mesh.exited).toBe(0)
    expect(Date.now() - askedAt).toBeLessThan(10_000)
    expect(await busy).toBe('sent away')
  })

  const activeSleeps = async () =>
    (await query("select pid from pg_stat_activity where query like 'select pg_sleep%'")).length

  it('trusts no folder that was made by half, whenever the making was cut short', async () => {
    const killed = start()
    await until(() => drafts().length > 0, 15_000, 'the making has begun')
    await kill(killed)
    expect(existsSync(cluster())).toBe(false)
    const mesh = await started()
    expect(drafts()).toEqual([])
    expect(await query('select current_database() as name')).toEqual([{ name: 'natter' }])
    expect(mesh.output).not.toContain('postgres   ended')
  })

  it('takes a new password when the secrets were lost, because the data were not', async () => {
    const first = await started()
    await query('create table kept as select 7 as n')
    first.signal('SIGINT')
    await first.exited
    const before = url()
    rmSync(join(site.folder, 'secrets.json'))
    await started()
    expect(url()).not.toBe(before)
    expect(await query('select n from kept')).toEqual([{ n: 7 }])
  })

  it.each([
    { secrets: 'kept', what: 'another program', areLost: false, isZombie: false },
    { secrets: 'lost', what: 'another program', areLost: true, isZombie: false },
    { secrets: 'kept', what: 'a zombie', areLost: false, isZombie: true },
  ])('starts though the number of a killed one is $what of its user now, secrets $secrets', async (found) => {
    const killed = await started()
    const file = join(cluster(), 'postmaster.pid')
    const left = readFileSync(file, 'utf8')
    await kill(killed)
    const { uid, gid } = statSync(cluster())
    const { stranger, pid } = await strangerOf(uid, gid, found.isZombie)
    try {
      writeFileSync(file, left.replace(/^\d+/, String(pid)), { mode: 0o600 })
      chownSync(file, uid, gid)
      if (found.areLost) rmSync(join(site.folder, 'secrets.json'))
      await started()
      expect(await query('select 1 as n')).toEqual([{ n: 1 }])
    } finally {
      stranger.kill('SIGKILL')
    }
  })

  it('runs whether or not others may enter the folder, because root may keep Natter in its home', async () => {
    chmodSync(site.folder, 0o700)
    const closed = await started()
    await query('create table kept as select 7 as n')
    closed.signal('SIGINT')
    await closed.exited
    chmodSync(site.folder, 0o755)
    await started()
    expect(await query('select n from kept')).toEqual([{ n: 7 }])
  })

  it('names its port when that is busy', async () => {
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(site.basePort + 21, '127.0.0.1', resolve))
    try {
      const mesh = start()
      expect(await mesh.exited).toBe(1)
      expect(mesh.output).toContain(
        `Port ${site.basePort + 21} is taken; it is meant for the embedded Postgres`,
      )
    } finally {
      squatter.close()
    }
  })

  it('is not started when NATTER_POSTGRES_URL names one, and that one is told to nobody', async () => {
    const mesh = site.start({ postgres: { url: 'postgres://natter:hush@127.0.0.1:1/natter' } })
    await mesh.ready()
    expect([...mesh.processes().keys()]).not.toContain('postgres')
    expect(existsSync(cluster())).toBe(false)
    expect(mesh.output).toContain('NATTER_POSTGRES_URL')
    expect(mesh.output).not.toContain('hush')
  })
})

/**
 * Some program, as this user where we may choose; or one that has ended and whose parent, which never asks
 * after it, sleeps. The child may end only when its parent has become `sleep`: a shell would bury it.
 */
async function strangerOf(
  uid: number,
  gid: number,
  isZombie: boolean,
): Promise<{ stranger: ChildProcess; pid: number }> {
  const as = process.getuid?.() === 0 ? { uid, gid } : {}
  const script = `exec 3<&0; ${isZombie ? 'cat <&3 >&2 & echo $!' : 'echo $$'}; exec sleep 60`
  const stranger = spawn('/bin/sh', ['-c', script], { ...as, stdio: ['pipe', 'pipe', 'ignore'] })
  const [text] = (await once(stranger.stdout, 'data')) as [Buffer]
  const pid = Number(text.toString())
  const proc = (id: number | undefined, file: string) => readFileSync(`/proc/${id}/${file}`, 'utf8')
  await until(() => proc(stranger.pid, 'comm') === 'sleep\n', 5000, 'the shell has become sleep')
  stranger.stdin.end()
  if (isZombie) await until(() => proc(pid, 'stat').includes(') Z '), 5000, 'the zombie is one')
  return { stranger, pid }
}
