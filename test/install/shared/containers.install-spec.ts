import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { leakCheck, withClient } from '@natter/testing'
import { startContainer } from './local-container.js'
import { LoopbackAddresses } from './loopback.js'
import { startPostgresContainer } from './postgres.js'

const addresses = new LoopbackAddresses()
const program = (code: string) => ({
  kind: 'process' as const,
  file: process.execPath,
  args: ['-e', code],
  env: { FROM_IMAGE: 'yes' },
})

describe('a container as a local process', () => {
  let noLeaks: () => Promise<void>
  beforeEach(() => {
    noLeaks = leakCheck()
  })
  afterEach(() => noLeaks())

  it('sees the environment it was given and nothing of ours, so that what a manifest forgets is missing here too', async () => {
    const print = program('console.log(JSON.stringify(process.env))')
    const container = await startContainer({ name: 'pod-1', program: print, env: { GIVEN: 'x' } })
    await container.exited
    const env = JSON.parse(container.lines[0] ?? '') as Record<string, string>
    expect(env).toMatchObject({ FROM_IMAGE: 'yes', GIVEN: 'x', HOSTNAME: 'pod-1' })
    expect(Object.keys(env).toSorted()).toEqual(['FROM_IMAGE', 'GIVEN', 'HOSTNAME', 'PATH'])
  })

  it('runs as its user where that user can read the program', async () => {
    const print = program('console.log(process.getuid())')
    const container = await startContainer({
      name: 'a',
      program: print,
      env: {},
      user: { uid: 10001, gid: 10001 },
    })
    await container.exited
    expect([10001, process.getuid?.()]).toContain(Number(container.lines[0]))
  })

  it('is a Postgres that takes its password and no other on its own address, and has its data after a restart', async () => {
    const address = addresses.next()
    const env = { POSTGRES_USER: 'natter', POSTGRES_PASSWORD: "it's", POSTGRES_DB: 'mesh' }
    const first = await startPostgresContainer({ address, env })
    try {
      const url = (password: string): string =>
        `postgres://natter:${encodeURIComponent(password)}@${address}:5432/mesh`
      await withClient(url("it's"), (client) => client.query('create table kept (n int)'))
      await expect(withClient(url('its'), (client) => client.query('select 1'))).rejects.toThrow(/password/)
      first.signal('SIGTERM')
      expect(await first.exited).toEqual({ code: 0, signal: null })
      await first.again()
      await withClient(url("it's"), (client) => client.query('select * from kept'))
    } finally {
      await first.remove()
    }
  }, 60_000)
})
