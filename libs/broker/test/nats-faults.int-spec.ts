/** What only a real server can show: crashes, wiped disks, old versions, forgers. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import { createNatsBroker, type Broker, type BrokerEvents, type NatsBrokerOptions } from '@natter/broker'
import { TypedEvents, UnavailableError, UnknownOutcomeError } from '@natter/primitives'
import { eventually, freePort, startNatsServer } from '@natter/testing'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { Inbox } from './broker.contract.js'
import { TestNats } from './nats-server.js'
import { next } from './next-event.js'

const text = (value: string): Uint8Array => Buffer.from(value, 'utf8')

describe('a broker on a NATS that fails', () => {
  let server: TestNats
  const opened: Broker[] = []

  const open = async (options: Partial<NatsBrokerOptions> = {}): Promise<Broker> => {
    const broker = await createNatsBroker({ urls: [server.url], prefix: 'faults', name: 'test', ...options })
    opened.push(broker)
    return broker
  }

  beforeEach(async () => {
    server = await TestNats.start()
  })

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((broker) => broker.close()))
    await server.stop()
  })

  it('a crash in the middle of appends settles each: what was acknowledged is kept, the rest says so', async () => {
    const broker = await open()
    const { stream, subject } = broker.route('', 'room')
    const appends = Array.from({ length: 2_000 }, (_, i) => broker.log.append(subject, text(`${i}`)))
    await Promise.all(appends.slice(0, 50))
    const later = Array.from({ length: 2_000 }, (_, i) => broker.log.append(subject, text(`later ${i}`)))
    await server.kill()
    const settled = await Promise.allSettled([...appends, ...later])
    const stored = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.seq] : []))
    const failed = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
    expect(failed.length).toBeGreaterThan(0)
    for (const error of failed) {
      expect(error).toBeInstanceOf(UnknownOutcomeError)
      expect((error as Error).message).toContain('connection was lost') // at once, not by the deadline
    }
    const back = next(broker, 'broker:reconnect')
    await server.boot()
    await back
    const kept = new Set<number>()
    for (let from = 1; ;) {
      const range = { from, to: 1_000_000, limit: 500, maxBytes: 1_000_000 }
      const { messages, isComplete } = await broker.log.read(stream, subject, range)
      for (const { seq } of messages) kept.add(seq)
      if (isComplete) break
      from = (messages.at(-1)?.seq ?? 0) + 1
    }
    expect(stored.filter((seq) => !kept.has(seq))).toEqual([])
  })

  it('while NATS is away everything is refused at once, and afterwards old subscriptions hear again', async () => {
    const broker = await open()
    const { subject, liveSubject, stream } = broker.route('', 'room')
    const inbox = new Inbox()
    broker.bus.subscribe(liveSubject, inbox.take)
    await broker.bus.flush()
    const gone = next(broker, 'broker:disconnect')
    await server.kill()
    await gone
    const startedAt = Date.now()
    const away = { name: 'UnavailableError', code: 'nats-away' }
    await expect(broker.log.append(subject, text('x'))).rejects.toMatchObject(away)
    await expect(broker.log.firstSeq(stream)).rejects.toMatchObject(away)
    await expect(broker.bus.flush()).rejects.toMatchObject(away)
    await expect(broker.registry.get('k')).rejects.toMatchObject(away)
    expect(() => broker.bus.publish(liveSubject, text('x'))).toThrow(UnavailableError)
    expect(Date.now() - startedAt).toBeLessThan(200)
    const back = next(broker, 'broker:reconnect')
    await server.boot()
    await back
    await broker.verifyStreams()
    await broker.log.append(subject, text('again'))
    await inbox.until(1)
    expect(inbox.bodies).toEqual(['again'])
  })

  it('a server that hangs: an append ends as unknown after its deadline', async () => {
    const broker = await open()
    const { subject } = broker.route('', 'room')
    await server.pause()
    const startedAt = Date.now()
    await expect(broker.log.append(subject, text('x'))).rejects.toBeInstanceOf(UnknownOutcomeError)
    expect(Date.now() - startedAt).toBeLessThan(4_500)
    await server.resume()
  }, 15_000)

  it('a server that hangs is known not to answer before the connection is given up for it, and is heard again when it goes on (C4)', async () => {
    const broker = await open()
    expect(broker.bus.isAnswering).toBe(true)
    await server.pause()
    const pausedAtMs = Date.now()
    await eventually(() => !broker.bus.isAnswering, { timeoutMs: 4_000 })
    expect(Date.now() - pausedAtMs).toBeLessThan(3_000) // a promise to balancers, with a second to spare
    expect(broker.bus.isConnected).toBe(true)
    await server.resume()
    await eventually(() => broker.bus.isAnswering)
  }, 15_000)

  it('a process that stands still for longer than its pings are apart does not blame the server: a busy gateway stays ready (C4)', async () => {
    const broker = await open()
    const stoodStill = new Int32Array(new SharedArrayBuffer(4))
    for (let turn = 0; turn < 5; turn += 1) {
      Atomics.wait(stoodStill, 0, 0, 900)
      await new Promise((resolve) => setImmediate(resolve)) // timers are due before what has come is read
      expect([turn, broker.bus.isAnswering]).toEqual([turn, true])
    }
    await new Promise((resolve) => setTimeout(resolve, 300)) // a doubt from then is settled
    expect(broker.bus.isAnswering).toBe(true)
  }, 15_000)

  it('a watch goes on after a reconnect, and tells what changed while nobody could tell', async () => {
    const [watching, writing] = await Promise.all([open(), open()])
    const revision = (await writing.registry.create('k', text('1'))) ?? 0
    const values: string[] = []
    let wake = (): void => {}
    const { stop } = await watching.registry.watch('k', ({ value }) => {
      values.push(Buffer.from(value).toString())
      wake()
    })
    const gone = Promise.all([next(watching, 'broker:disconnect'), next(writing, 'broker:disconnect')])
    await server.kill()
    await gone
    const back = Promise.all([next(watching, 'broker:reconnect'), next(writing, 'broker:reconnect')])
    await server.boot()
    await back
    const told = new Promise<void>((resolve) => {
      wake = resolve
    })
    await writing.registry.update('k', text('2'), revision)
    await told
    expect(values).toEqual(['1', '2'])
    stop()
  })

  it('a wiped store has new epochs on every node, also when streams and records are gone at once', async () => {
    const [a, b] = await Promise.all([open({ streams: 2 }), open({ streams: 2 })])
    const before = a.route('', 'room').epoch
    const both = Promise.all([next(a, 'broker:reconnect'), next(b, 'broker:reconnect')])
    await server.kill()
    await server.wipe()
    await server.boot()
    await both
    await Promise.all([a.verifyStreams(), b.verifyStreams()])
    const { epoch, subject } = a.route('', 'room')
    expect(epoch).not.toBe(before)
    expect(b.route('', 'room').epoch).toBe(epoch)
    expect((await a.log.append(subject, text('first'))).isDuplicate).toBe(false)
  })

  it('a stream that somebody deleted is created again under another epoch, the others keep theirs', async () => {
    const broker = await open({ streams: 2 })
    const names = ['0', '1', '2', '3', '4', '5'].map((name) => broker.route('', name))
    const lost = names[0]
    const kept = names.find(({ stream }) => stream !== lost?.stream)
    const raw = await connect({ servers: server.url })
    await raw.request(`$JS.API.STREAM.DELETE.${lost?.stream ?? ''}`)
    await raw.close()
    const change = next(broker, 'broker:epoch:change')
    await broker.verifyStreams()
    expect((await change).stream).toBe(lost?.stream)
    expect(broker.route('', '0').epoch).not.toBe(lost?.epoch)
    const same = ['0', '1', '2', '3', '4', '5'].map((name) => broker.route('', name))
    expect(same.find(({ stream }) => stream === kept?.stream)?.epoch).toBe(kept?.epoch)
  })

  describe('beside a raw publisher', () => {
    let raw: NatsConnection

    beforeEach(async () => {
      raw = await connect({ servers: server.url })
    })

    afterEach(() => raw.close())

    it('a forged sequence, predecessor or time is not believed: the server writes its own behind them', async () => {
      const broker = await open()
      const { subject, liveSubject } = broker.route('', 'room')
      const stored: (bigint | number | undefined)[] = []
      const inbox = new Inbox()
      broker.bus.subscribe(liveSubject, (message) => {
        stored.push(message.stored?.seq, message.stored?.prev, message.stored?.timeNs)
        inbox.take(message)
      })
      await broker.bus.flush()
      const forged = headers()
      forged.append('Nats-Sequence', '999999')
      forged.append('Nats-Last-Sequence', '999998')
      forged.append('Nats-Time-Stamp', '2001-01-01T00:00:00Z')
      forged.append('Nats-Stream', 'ELSEWHERE')
      raw.publish(subject, text('x'), { headers: forged })
      await inbox.until(1)
      expect(stored.slice(0, 2)).toEqual([2, 0])
      expect(stored[2]).toBeGreaterThan(BigInt(Date.UTC(2020)) * 1_000_000n)
    })

    it('tops still tell the end of the stream when the sentinel was evicted', async () => {
      const broker = await open()
      const { stream, subject } = broker.route('', 'room')
      await broker.log.append(broker.route('', 'other').subject, text('x'))
      await raw.request(
        `$JS.API.STREAM.PURGE.${stream}`,
        JSON.stringify({ filter: broker.subjects.sentinel(0) }),
      )
      const { upTo, newest } = await broker.log.tops(stream, [subject])
      expect([upTo, newest.size]).toEqual([3, 0])
    })
  })

  it('two meshes with different prefixes on one NATS never meet', async () => {
    const [a, b] = await Promise.all([open({ prefix: 'left' }), open({ prefix: 'right' })])
    const inbox = new Inbox()
    b.bus.subscribe('right.>', inbox.take)
    await b.bus.flush()
    const { subject } = a.route('', 'room')
    await a.log.append(subject, text('of a'))
    await b.log.append(b.route('', 'room').subject, text('of b'))
    await inbox.until(2)
    expect(new Set(inbox.bodies)).toEqual(new Set(['of b']))
    expect(a.streams).not.toEqual(b.streams)
  })

  it('another number of streams in a later configuration is told and ignored', async () => {
    const first = await open({ streams: 2 })
    const events = new TypedEvents<BrokerEvents>()
    const told: unknown[] = []
    events.on('broker:topology:wish-ignored', (fact) => told.push(fact))
    const second = await open({ streams: 7, events })
    expect(second.streams).toEqual(first.streams)
    expect(told).toEqual([{ streams: 2, wished: 7 }])
  })

  it('more appends than may be in flight are refused, not queued without bound', async () => {
    const broker = await open({ maxInFlight: 10 })
    const { subject } = broker.route('', 'room')
    const all = await Promise.allSettled(
      Array.from({ length: 15 }, () => broker.log.append(subject, text('x'))),
    )
    const codes = all.flatMap((one) =>
      one.status === 'rejected' ? [(one.reason as UnavailableError).code] : [],
    )
    expect(codes).toEqual(Array.from({ length: 5 }, () => 'too-many-in-flight'))
  })

  it('an append that could not be written is refused once and takes no place among those in flight', async () => {
    const broker = await open({ maxInFlight: 1 })
    const outcomes: string[] = []
    broker.events.on('broker:append:outcome', ({ outcome }) => outcomes.push(outcome))
    await expect(broker.log.append('', text('x'))).rejects.toMatchObject({ code: 'bad-subject' })
    await broker.log.append(broker.route('', 'room').subject, text('x'))
    expect(outcomes).toEqual(['refused', 'stored'])
  })

  it('a line break in meta or message id is refused: nothing that a user chooses becomes a header', async () => {
    const broker = await open()
    const { subject } = broker.route('', 'room')
    for (const options of [{ meta: '{}\r\nNats-Rollup: all' }, { messageId: 'x\r\nNats-TTL: 1s' }]) {
      await expect(broker.log.append(subject, text('x'), options)).rejects.toMatchObject({
        code: 'bad-header',
      })
    }
  })
})

describe('connecting', () => {
  it('an unreachable server is reported within the time, with what was tried', async () => {
    const url = `nats://127.0.0.1:${await freePort()}`
    const opening = createNatsBroker({ urls: [url], prefix: 'x', name: 'test', connectTimeoutMs: 400 })
    await expect(opening).rejects.toMatchObject({
      name: 'UnavailableError',
      code: 'nats-unreachable',
      message: expect.stringContaining(url) as unknown,
    })
  })

  it('a password that is refused is not told to whoever reads the log', async () => {
    const server = await TestNats.start('authorization { user: natter, password: right }')
    const url = server.url.replace('://', '://natter:hunter2@')
    const refused = await createNatsBroker({ urls: [url], prefix: 'x', name: 'test' }).catch(
      (error: unknown) => error,
    )
    expect(refused).toMatchObject({ name: 'InvalidError', code: 'nats-refused' })
    expect(String(refused)).toContain(`NATS at ${server.url} refused the credentials`)
    expect(String(refused)).not.toContain('hunter2')
    await server.stop()
  })

  it('waits for a server that is not there yet, then for its streams, and says so: who starts all at once needs no order', async () => {
    const port = await freePort()
    const events = new TypedEvents<BrokerEvents>()
    const told: string[] = []
    events.on('broker:connect:wait', ({ tried }) => told.push(tried))
    const url = `nats://127.0.0.1:${port}`
    const opening = createNatsBroker({
      urls: [url],
      prefix: 'x',
      name: 'test',
      connectTimeoutMs: 30_000,
      events,
    })
    await eventually(() => told.length > 0)
    const bare = await startNatsServer({ port, jetstream: false })
    await new Promise((resolve) => events.on('broker:connect', resolve))
    await bare.stop()
    const whole = await startNatsServer({ port })
    const broker = await opening
    expect(broker.streams).toHaveLength(1)
    expect(told[0]).toBe(url)
    await broker.close()
    await whole.stop()
  }, 30_000)

  it('gives up an address that takes connections and says nothing, and tries again', async () => {
    const sockets: Socket[] = []
    const mute = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const { port } = mute.address() as AddressInfo
    const opening = createNatsBroker({
      urls: [`nats://127.0.0.1:${port}`],
      prefix: 'x',
      name: 'test',
      connectTimeoutMs: 30_000,
    })
    await once(mute, 'connection')
    await once(mute, 'connection') // a second attempt, long before the time is up
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => mute.close(resolve))
    const server = await startNatsServer({ port })
    await (await opening).close()
    await server.stop()
  }, 30_000)

  it('an old server is refused with what to install', async () => {
    const fake = createServer((socket) => {
      const info = { server_id: 'x', version: '2.12.0', headers: true, max_payload: 1_048_576, proto: 1 }
      socket.write(`INFO ${JSON.stringify(info)}\r\n`)
      socket.on('data', (data) => {
        if (data.includes('PING')) socket.write('PONG\r\n')
      })
      socket.on('error', () => {})
    })
    fake.listen(0, '127.0.0.1')
    await once(fake, 'listening')
    const { port } = fake.address() as AddressInfo
    const opening = createNatsBroker({ urls: [`nats://127.0.0.1:${port}`], prefix: 'x', name: 'test' })
    await expect(opening).rejects.toMatchObject({
      name: 'InvalidError',
      code: 'nats-too-old',
      message: expect.stringContaining('install nats-server') as unknown,
    })
    fake.close()
    await once(fake, 'close')
  })
})
