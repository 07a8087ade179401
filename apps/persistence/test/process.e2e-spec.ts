import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { connectSdk, eventually, freePort, leakCheck, startProcess } from '@natter/testing'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Stack, type Running } from './stack.js'

const main = join(import.meta.dirname, '../src/main.ts')
const gatewayMain = join(import.meta.dirname, '../../gateway/src/main.ts')

/** The kept ones, open to whoever comes. */
const openChannels = JSON.stringify([
  {
    name: 'kept',
    keep: 'archive',
    archive_json: true,
    allow_publish_for_client: true,
    allow_publish_for_anonymous: true,
  },
])

/** Valid JSON that Postgres can't hold or would rewrite, and what isn't JSON at all. */
const hostile: readonly (readonly [what: string, kind: 'json' | 'bin', data: Uint8Array])[] = [
  ['NUL in a text', 'json', Buffer.from('{"a":"\\u0000"}')],
  ['half a surrogate pair', 'json', Buffer.from('"\\ud800"')],
  ['a number that no database holds', 'json', Buffer.from('1e400000')],
  ['eight bytes that are a number of 131,072 digits', 'json', Buffer.from('1e131071')],
  ['20,000 nested arrays', 'json', Buffer.from('['.repeat(20_000) + ']'.repeat(20_000))],
  ['keys twice, out of order, with spaces', 'json', Buffer.from('{ "b":1, "a":2 , "b":3E2 }')],
  ['JSON that is none', 'json', Buffer.from('{"a":')],
  ['not UTF-8', 'json', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
  ['every byte', 'bin', Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
  ['what means something to COPY', 'bin', Buffer.from('\\.\n\\N\t\\\\x00\r\n')],
  ['nothing', 'bin', Buffer.alloc(0)],
  ['a megabyte less a bit', 'bin', Buffer.alloc(1_000_000, 7)],
]

describe('the persistence app as a process', () => {
  let expectNoLeaks: ReturnType<typeof leakCheck>
  let stack: Stack

  beforeEach(async () => {
    expectNoLeaks = leakCheck()
    stack = await Stack.open()
  }, 60_000)

  afterEach(async () => {
    await stack.close()
    await expectNoLeaks()
  }, 30_000)

  /** Publishes at a steady pace until told to stop; answers how many were acknowledged. */
  function publishing(): () => Promise<number> {
    const over = new AbortController()
    let count = 0
    const run = async (): Promise<number> => {
      while (!over.signal.aborted) {
        const texts = Array.from({ length: 10 }, () => String((count += 1)))
        await Promise.all(texts.map((text, i) => stack.publish(`kept:${i % 3}`, text)))
        await pause(10)
      }
      return count
    }
    const ended = run()
    return () => {
      over.abort()
      return ended
    }
  }

  async function expectSame(): Promise<void> {
    await stack.caughtUp()
    expect(await stack.inArchive()).toEqual(await stack.inStream())
  }

  it('takes the namespaces that its file has now, when it is asked to read it again (SIGHUP)', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'natter-reload-'))
    const file = join(folder, 'natter.yaml')
    const write = (keep: string): Promise<void> =>
      writeFile(file, JSON.stringify({ channel: { namespaces: [{ name: 'plain', keep }] } }))
    await write('stream')
    const { process: child } = await stack.running({ NATTER_CONFIG: file, NATTER_CHANNEL_NAMESPACES: '' })
    await stack.publish('plain:a', '1')
    await stack.caughtUp()
    await write('archive')
    process.kill(child.pid, 'SIGHUP')
    await child.waitForLine((line) => line.includes('"config:reload:done"'))
    await stack.publish('plain:a', '2')
    await stack.caughtUp()
    expect((await stack.rows()).map(({ data }) => data.toString())).toEqual(['2'])
    expect(child.lines.join('\n')).not.toContain('restart-needed')
    await rm(folder, { recursive: true })
  })

  it('whatever a client sends comes back byte for byte, and stops nothing that follows', async () => {
    await stack.running()
    for (const [, kind, data] of hostile) await stack.publish('kept:hostile', data, kind)
    await stack.publish('kept:healthy', '{"a":1}')
    await stack.publish('kept:ünïcödé $\u{1F600}', '1')
    await expectSame()
    const rows = await stack.rows()
    for (const [i, [what, kind, data]] of hostile.entries())
      expect({ what, kind: rows[i]?.kind, isSame: rows[i]?.data.equals(data) }).toEqual({
        what,
        kind,
        isSame: true,
      })
    expect(rows.find(({ channel }) => channel === 'kept:healthy')?.json).toEqual({ a: 1 })
    expect(rows.at(-1)?.channel).toBe('kept:ünïcödé $\u{1F600}')
    expect(await stack.query('select 1 from natter.dead_letter')).toEqual([])
  }, 60_000)

  it('what a Protobuf client publishes through a gateway comes back byte for byte too, told apart by whether it is JSON', async () => {
    await stack.running()
    const [port, opsPort] = [await freePort(), await freePort()]
    const gateway = await startProcess({
      args: [gatewayMain],
      env: {
        NATTER_NATS_URL: stack.nats.url,
        NATTER_CONFIG: '',
        NATTER_CHANNEL_NAMESPACES: openChannels,
        NATTER_CLIENT_ALLOW_ANONYMOUS: 'true',
        NATTER_GATEWAY_PORT: String(port),
        NATTER_OPS_PORT: String(opsPort),
      },
    })
    stack.started.push(gateway)
    await gateway.waitForLine((line) => line.includes('"process:start:done"'))
    const client = await connectSdk(`ws://127.0.0.1:${port}/connection/websocket`, { encoding: 'protobuf' })
    const said = [Uint8Array.of(0xff, 0x00, 0x0a), Buffer.from('{"b":1E2, "a":1}'), Buffer.from('{"a":')]
    try {
      for (const data of said) await client.centrifuge.publish('kept:protobuf', data)
    } finally {
      client.dispose()
    }
    await expectSame()
    const rows = await stack.rows()
    expect(rows.map(({ data }) => data.toString('hex'))).toEqual(
      said.map((data) => Buffer.from(data).toString('hex')),
    )
    expect(rows.map(({ kind, json }) => [kind, json])).toEqual([
      ['bin', null],
      ['json', { a: 1, b: 100 }],
      ['bin', null],
    ])
  }, 60_000)

  it('a header that nobody of ours wrote stops nothing either', async () => {
    await stack.running()
    const { subject } = stack.broker.route('kept', 'kept:a')
    for (const meta of ['', '{', '{"k":"json"}', `{"k":"x"}${'y'.repeat(2_000)}`])
      await stack.broker.log.append(subject, Buffer.from('1'), { meta })
    await expectSame()
    expect((await stack.rows()).map(({ kind }) => kind)).toEqual(['bin', 'bin', 'json', 'bin'])
  }, 60_000)

  it('killed at any moment, twelve times: every publication is one row, none is two', async () => {
    const busy = { NATTER_PERSISTENCE_BATCH_MESSAGES: '20', NATTER_PERSISTENCE_BATCH_DELAY: '10ms' }
    const stop = publishing()
    let last = 0
    for (const afterMs of [0, 3, 10, 25, 60, 120, 5, 200, 40, 80, 1, 150]) {
      const { process } = await stack.running(busy)
      await eventually(async () => (await stack.checkpoint()) > last, { timeoutMs: 20_000 })
      await pause(afterMs)
      await process.kill('SIGKILL')
      last = await stack.checkpoint()
    }
    const count = await stop()
    await stack.running()
    await expectSame()
    expect(await stack.inArchive()).toHaveLength(count)
  }, 180_000)

  it('Postgres killed and back: the lag grows, health says why, and nothing is lost', async () => {
    const { ops } = await stack.running({ NATTER_PERSISTENCE_LAG_ALARM: '1s' })
    await stack.publish('kept:a', 'before')
    await stack.caughtUp()
    await stack.postgres.kill('SIGKILL')
    for (let i = 0; i < 200; i += 1) await stack.publish('kept:a', `meanwhile ${i}`)
    await eventually(async () => (await gauge(ops, 'natter_persistence_lag_seconds')) > 1, {
      timeoutMs: 20_000,
    })
    expect(await gauge(ops, 'natter_persistence_lag_messages')).toBe(200)
    const health = await fetch(`${ops}/health`)
    expect([health.status, await health.json()]).toMatchObject([
      503,
      {
        checks: { postgres: expect.stringContaining('Postgres'), archive: expect.stringContaining('behind') },
      },
    ])
    expect((await fetch(`${ops}/health/ready`)).status).toBe(200)
    await stack.postgres.restart()
    await expectSame()
    await eventually(async () => (await fetch(`${ops}/health`)).status === 200, { timeoutMs: 20_000 })
    expect(await gauge(ops, 'natter_persistence_lag_seconds')).toBe(0)
  }, 90_000)

  it('starts while Postgres is away, says so, and begins when it is there', async () => {
    await stack.postgres.kill('SIGKILL')
    await stack.publish('kept:a', '1')
    const { process, ops } = await stack.start()
    await process.waitForLine((line) => line.includes('"archive:migrate:failed"'))
    await process.waitForLine((line) => line.includes('"process:start:done"'))
    expect((await fetch(`${ops}/health`)).status).toBe(503)
    expect((await fetch(`${ops}/health/ready`)).status).toBe(200)
    expect((await fetch(`${ops}/health/live`)).status).toBe(200)
    await stack.postgres.restart()
    await process.waitForLine((line) => line.includes('"stream:verify"'), 30_000)
    await expectSame()
  }, 60_000)

  it('NATS crashed and back: it goes on where it was', async () => {
    const { process } = await stack.running()
    await stack.publish('kept:a', '1')
    await stack.caughtUp()
    await stack.nats.kill('SIGKILL')
    await process.waitForLine((line) => line.includes('"broker:disconnect"'))
    await stack.nats.restart()
    await eventually(() => stack.publish('kept:a', '2'), { timeoutMs: 20_000 })
    await expectSame()
    const epochs = await stack.query('select 1 from natter.archive_epoch')
    expect(epochs).toHaveLength(1)
  }, 60_000)

  it('a stream that lost its disk is another one: its rows get an epoch of their own', async () => {
    const { process } = await stack.running()
    await stack.publish('kept:a', 'old')
    await stack.caughtUp()
    const before = stack.broker.epochOf(stack.stream)
    await stack.nats.kill('SIGKILL')
    await rm(stack.nats.storeDir, { recursive: true })
    await process.waitForLine((line) => line.includes('"broker:disconnect"'))
    await stack.nats.restart()
    await eventually(
      async () => {
        await stack.broker.verifyStreams()
        return stack.broker.epochOf(stack.stream) !== before
      },
      { timeoutMs: 20_000 },
    )
    await eventually(() => stack.publish('kept:a', 'new'), { timeoutMs: 20_000 })
    await process.waitForLine((line) => line.includes('"archive:foreign"'), 20_000)
    await stack.ageOwner() // the wait of five minutes for a mesh that isn't there any more
    await process.waitForLine((line) => line.includes('"archive:taken-over"'), 20_000)
    await expectSame()
    expect((await stack.inArchive(before)).length).toBe(1)
    expect((await stack.rows()).map(({ data }) => String(data)).toSorted()).toEqual(['new', 'old'])
  }, 60_000)

  it('NATS restored from an older copy, twice: what it hands out anew is archived under new epochs, and no old row changes', async () => {
    await stack.publish('kept:a', 'kept')
    await stack.nats.kill('SIGTERM')
    const copy = await mkdtemp(join(tmpdir(), 'natter-copy-'))
    await cp(stack.nats.storeDir, copy, { recursive: true })
    await stack.nats.restart()
    const { process } = await stack.running()
    await eventually(() => stack.publish('kept:a', 'lost'), { timeoutMs: 20_000 })
    await stack.caughtUp()
    const epochs = [stack.broker.epochOf(stack.stream)]
    for (const round of [1, 2]) {
      await stack.nats.kill('SIGKILL')
      await rm(stack.nats.storeDir, { recursive: true })
      await cp(copy, stack.nats.storeDir, { recursive: true })
      await stack.nats.restart()
      for (let i = 0; i < 5; i += 1)
        await eventually(() => stack.publish('kept:a', `new ${round} ${i}`), { timeoutMs: 20_000 })
      await eventually(() => !epochs.includes(stack.broker.epochOf(stack.stream)), { timeoutMs: 30_000 })
      epochs.push(stack.broker.epochOf(stack.stream))
      await expectSame()
    }
    const rows = await stack.rows()
    const textsOf = (epoch: string | undefined): string[] =>
      rows.filter((row) => row.epoch === epoch).map(({ data }) => String(data))
    const news = (round: number): string[] => [0, 1, 2, 3, 4].map((i) => `new ${round} ${i}`)
    expect(textsOf(epochs[0])).toEqual(['kept', 'lost'])
    expect(textsOf(epochs[1])).toEqual(['kept', ...news(1)])
    expect(textsOf(epochs[2])).toEqual(['kept', ...news(2)])
    expect(process.lines.filter((line) => line.includes('"rolled-back"'))).toHaveLength(2)
    await rm(copy, { recursive: true })
  }, 120_000)

  it('another NATS for a while and back again: nothing was lost, so no epoch ends and each publication is one row', async () => {
    const { nats: other, broker: there } = await stack.elsewhere()
    const epoch = stack.broker.epochOf(stack.stream)
    for (const round of [1, 2, 3]) {
      if (round > 1) await stack.ageOwner()
      const here = await stack.running()
      await stack.publish('kept:a', `here ${round}`)
      await expectSame()
      await here.process.kill('SIGTERM')
      await stack.ageOwner()
      const away = await stack.running({ NATTER_NATS_URL: other.url })
      const { subject } = there.route('kept', 'kept:a')
      const { seq } = await there.log.append(subject, Buffer.from(`there ${round}`))
      await eventually(async () => (await stack.checkpoint(there.epochOf(stack.stream))) === seq, {
        timeoutMs: 20_000,
      })
      await away.process.kill('SIGTERM')
    }
    expect(stack.broker.epochOf(stack.stream)).toBe(epoch)
    expect(await stack.inArchive()).toEqual(await stack.inStream())
    const texts = (await stack.rows()).map(({ data }) => String(data)).toSorted()
    expect(texts).toEqual(['here', 'there'].flatMap((where) => [1, 2, 3].map((n) => `${where} ${n}`)))
  }, 120_000)

  it('two meshes with one prefix and one Postgres: the second writes nothing, says why, and ends no epoch of the first', async () => {
    const { nats: other, broker: there } = await stack.elsewhere()
    const first = await stack.running()
    await stack.publish('kept:a', 'here')
    await expectSame()
    const second = await stack.start({
      NATTER_NATS_URL: other.url,
      NATTER_PERSISTENCE_NAME: 'persistence-y',
    })
    const { subject } = there.route('kept', 'kept:a')
    await there.log.append(subject, Buffer.from('there'))
    const line = await second.process.waitForLine((text) => text.includes('"archive:foreign"'))
    expect(JSON.parse(line)).toMatchObject({
      level: 'error',
      owner: stack.broker.meshId,
      mesh: there.meshId,
    })
    const health = await fetch(`${second.ops}/health`)
    expect([health.status, await health.text()]).toEqual([
      503,
      expect.stringContaining(`belongs to the mesh ${stack.broker.meshId}`),
    ])
    expect((await fetch(`${second.ops}/health/ready`)).status).toBe(200) // a deploy that waited for it would never end
    await first.process.kill('SIGKILL')
    await stack.publish('kept:a', 'while it was down')
    await stack.running()
    await expectSame()
    expect((await stack.rows()).map(({ data }) => String(data))).toEqual(['here', 'while it was down'])
    expect(await stack.query('select 1 from natter.archive_epoch')).toHaveLength(1)
  }, 90_000)

  it('of two processes one writes a stream; when it is killed, the other takes over', async () => {
    const first = await stack.running()
    const second = await stack.start({ NATTER_PERSISTENCE_NAME: 'persistence-y' })
    await second.process.waitForLine((line) => line.includes('"archive:ready"'))
    const stop = publishing()
    await eventually(async () => (await stack.checkpoint()) > 50, { timeoutMs: 20_000 })
    expect([await isWriter(first), await isWriter(second)]).toEqual([1, 0])
    await first.process.kill('SIGKILL')
    await second.process.waitForLine((line) => line.includes('"stream:verify"'), 20_000)
    const count = await stop()
    await expectSame()
    expect(await stack.inArchive()).toHaveLength(count)
    expect(await isWriter(second)).toBe(1)
  }, 90_000)

  it('a writer that was stopped and lost its right writes nothing when it goes on, and nothing is twice', async () => {
    const first = await stack.running()
    const stop = publishing()
    await eventually(async () => (await stack.checkpoint()) > 50, { timeoutMs: 20_000 })
    process.kill(first.process.pid, 'SIGSTOP')
    // as a router does that forgot the connection: Postgres sees it end, the stopped process doesn't
    await stack.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'natter persistence-x'",
    )
    const second = await stack.running({ NATTER_PERSISTENCE_NAME: 'persistence-y' })
    const reached = await stack.checkpoint()
    await eventually(async () => (await stack.checkpoint()) > reached, { timeoutMs: 20_000 })
    process.kill(first.process.pid, 'SIGCONT')
    await first.process.waitForLine((line) => line.includes('"archive:writer:lose"'))
    const count = await stop()
    await expectSame()
    expect(await stack.inArchive()).toHaveLength(count)
    expect([await isWriter(first), await isWriter(second)]).toEqual([0, 1])
  }, 90_000)

  it('frees all that is old and below the checkpoint, and keeps the message at it', async () => {
    for (let i = 0; i < 50; i += 1) await stack.publish('kept:a', `${i}`)
    await stack.publish('plain:a', 'not archived, and as old')
    await stack.running({ NATTER_NATS_HOT_FOR: '0s' })
    // what stands at the checkpoint stays: it is the proof that the stream is the same
    await eventually(async () => (await stack.broker.log.state(stack.stream)).messages === 1, {
      timeoutMs: 30_000,
      intervalMs: 50,
    })
    expect(await stack.inArchive()).toHaveLength(50)
    expect(await stack.query('select 1 from natter.archive_gap')).toEqual([])
  }, 60_000)

  it('finishes what it writes when it is asked to end, and exits 0', async () => {
    const { process } = await stack.running()
    const stop = publishing()
    await eventually(async () => (await stack.checkpoint()) > 20, { timeoutMs: 20_000 })
    expect(await process.kill('SIGTERM')).toEqual({ code: 0, signal: null })
    await stop()
    expect(process.lines.some((line) => line.includes('"stream:release"'))).toBe(true)
    for (const line of process.lines) expect(JSON.parse(line)).toMatchObject({ event: expect.any(String) })
  }, 60_000)
})

describe('the settings of the persistence app', () => {
  it('are all told when they are wrong, each with its environment name and an example, and the exit code is 78', async () => {
    const { exited, lines } = await startProcess({
      args: [main, '--persistence.bach_delay', '1s'],
      env: {
        NATTER_CONFIG: '',
        NATTER_PERSISTENCE_BATCH_MESSAGES: 'many',
        NATTER_PERSISTENCE_LAG_ALARM: 'soon',
      },
    })
    expect((await exited).code).toBe(78)
    const text = lines.join('\n')
    for (const part of [
      'NATTER_PERSISTENCE_BATCH_MESSAGES',
      'NATTER_PERSISTENCE_LAG_ALARM',
      '--persistence.bach_delay',
    ])
      expect(text).toContain(part)
  }, 30_000)

  it('need a Postgres: without one this process has nothing to do', async () => {
    const { exited, lines } = await startProcess({
      args: [main],
      env: { NATTER_CONFIG: '', NATTER_POSTGRES_URL: undefined },
    })
    expect((await exited).code).toBe(78)
    const text = lines.join('\n')
    for (const part of ['postgres.url', 'NATTER_POSTGRES_URL', 'postgres://natter:'])
      expect(text).toContain(part)
  }, 30_000)

  it('stand in one file with those of the other apps', async () => {
    const { exited, lines } = await startProcess({
      args: [main, '--print-config'],
      env: {
        NATTER_CONFIG: join(import.meta.dirname, '../../../natter.yaml'),
        NATTER_POSTGRES_URL: 'postgres://a:hidden-word@b/c',
      },
    })
    expect((await exited).code).toBe(0)
    expect(lines.join('\n')).not.toContain('hidden-word')
  }, 30_000)
})

/** The value of the first series of this name. */
async function gauge(ops: string, name: string): Promise<number> {
  const text = await (await fetch(`${ops}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`${name}{`))
  return Number(line?.split(' ').at(-1))
}

const isWriter = ({ ops }: Running): Promise<number> => gauge(ops, 'natter_persistence_is_writer')
