import { describe, expect, it } from '@jest/globals'
import type { Clock, Timer } from '@natter/primitives'
import { Disconnects, type Frame } from '@natter/protocol'
import { ManualClock } from '@natter/testing'
import { MemoryClient, MemorySocketServer } from '@natter/transport'
import fc from 'fast-check'
import { pingTopic } from '../channels/topics.js'
import { Connection } from './connection.js'
import { Heartbeat } from './heartbeat.js'
import { streamWires, websocketWires, type Wire } from './wire.js'

const pingIntervalMs = 25_000
const beatMs = 1_000
const pongTimeoutMs = 8_000
const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

/** A clock whose next timer can be made to fire late, as a busy process fires it. */
class LateClock extends ManualClock implements Clock {
  lateMs = 0

  override setTimer(run: () => void, ms: number): Timer {
    const timer = super.setTimer(run, ms + this.lateMs)
    this.lateMs = 0
    return timer
  }
}

interface Options {
  pongTimeoutMs?: number
  random?: () => number
  /** Answers every ping at once. */
  answers?: boolean
  /** Default JSON over WebSocket. */
  wire?: Wire
}

async function start(options: Options = {}) {
  const { wire = websocketWires.json } = options
  const clock = new LateClock(0)
  const pings = new Map<string, number[]>()
  const closes: { code: number; atMs: number }[] = []
  const server: MemorySocketServer<Connection> = new MemorySocketServer<Connection>(
    { host: '127.0.0.1', port: 0 },
    {
      onUpgrade: () => ({ accept: true }),
      onOpen(socket) {
        socket.context = new Connection('c', socket, wire, clock, 60_000, () => {})
        heartbeat.add(socket.context)
        opened.push(socket.context)
      },
      onMessage() {},
      onDrain() {},
      onClose(socket, code) {
        closes.push({ code, atMs: clock.now() })
        heartbeat.remove(socket.context)
        socket.context.closed()
      },
    },
  )
  const opened: Connection[] = []
  const publishing = {
    publish(topic: string, frame: Frame): void {
      server.publish(topic, frame)
      pings.set(topic, [...(pings.get(topic) ?? []), clock.now()])
      if (options.answers !== true) return
      for (const connection of opened)
        if (pingTopic(wire.codec.encoding, connection.pingSlot) === topic) heartbeat.onPong(connection)
    },
  }
  const times = { pingIntervalMs, pongTimeoutMs: options.pongTimeoutMs ?? pongTimeoutMs }
  const heartbeat: Heartbeat = new Heartbeat(publishing, clock, times, options.random)
  await server.listen()
  heartbeat.start()
  return {
    clock,
    closes,
    heartbeat,
    connect() {
      const client = server.connect()
      const connection = opened.at(-1)
      if (!(client instanceof MemoryClient) || connection === undefined) throw new Error('no client')
      return { client, connection }
    },
    pingsOf: (connection: Connection) => pings.get(pingTopic(wire.codec.encoding, connection.pingSlot)) ?? [],
    /** Stops the clock at the very moment of the connection's next ping. */
    untilPing(connection: Connection): void {
      const topic = pingTopic(wire.codec.encoding, connection.pingSlot)
      const before = pings.get(topic)?.length ?? 0
      for (let ms = 0; ms < 2 * pingIntervalMs; ms += 1) {
        clock.advance(1)
        if ((pings.get(topic)?.length ?? 0) > before) return
      }
      throw new Error('no ping in two intervals')
    },
  }
}

describe('the first ping (P1)', () => {
  it('[5.1] comes between half and a whole interval after the connect, whatever the random number and the moment', async () => {
    await fc.assert(
      fc.asyncProperty(anyRandom, fc.nat(2 * pingIntervalMs), async (random, atMs) => {
        const { clock, connect, pingsOf } = await start({ random: () => random })
        clock.advance(atMs)
        const { connection } = connect()
        clock.advance(pingIntervalMs)
        const firstMs = (pingsOf(connection)[0] ?? Infinity) - atMs
        expect(firstMs).toBeGreaterThanOrEqual(pingIntervalMs / 2)
        expect(firstMs).toBeLessThanOrEqual(pingIntervalMs)
      }),
    )
  })

  it('is spread over the second half, so that clients who came together are not pinged together', async () => {
    let next = 0
    const { connect } = await start({ random: () => (next++ % 100) / 100 })
    const slots = new Set(Array.from({ length: 100 }, () => connect().connection.pingSlot))
    expect(slots.size).toBeGreaterThanOrEqual(12)
  })
})

describe('later pings (P1)', () => {
  it('[5.1] reach the client once per interval, ten intervals long', async () => {
    await fc.assert(
      fc.asyncProperty(anyRandom, fc.nat(pingIntervalMs), async (random, atMs) => {
        const { clock, connect, pingsOf } = await start({ random: () => random, answers: true })
        clock.advance(atMs)
        const { client, connection } = connect()
        await clock.advanceAsync(pingIntervalMs)
        const seen = client.messages.length
        for (let interval = 1; interval <= 10; interval += 1) {
          clock.advance(pingIntervalMs)
          await new Promise(setImmediate)
          expect(client.messages).toHaveLength(seen + interval)
        }
        const gaps = pingsOf(connection).map((at, i, all) => at - (all[i - 1] ?? at - pingIntervalMs))
        expect(new Set(gaps)).toEqual(new Set([pingIntervalMs]))
        expect(new Set(client.messages)).toEqual(new Set(['{}']))
      }),
      { numRuns: 10 },
    )
  })

  it('[2.10] are a single zero byte in Protobuf, and as often', async () => {
    const { clock, connect } = await start({ answers: true, wire: websocketWires.protobuf })
    const { client } = connect()
    await clock.advanceAsync(4 * pingIntervalMs)
    expect(client.messages.length).toBeGreaterThanOrEqual(3)
    expect(
      new Set(client.messages.map((message) => Buffer.from(message as Uint8Array).toString('hex'))),
    ).toEqual(new Set(['00']))
  })

  it('[1.5] are no messages where they are frames of WebSocket', async () => {
    const { clock, connect } = await start({ wire: websocketWires.jsonFramePings })
    const { client, connection } = connect()
    const pinged: number[] = []
    connection.socket.ping = () => pinged.push(clock.now())
    await clock.advanceAsync(pingIntervalMs)
    expect(pinged).toHaveLength(1)
    expect(client.messages).toEqual([])
  })

  it('keep their times when a beat is late, so that one slow turn does not move everybody’s pings for good', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 * beatMs }), fc.nat(23), async (lateMs, beats) => {
        const { clock, connect, pingsOf } = await start({ answers: true, random: () => 0.9 })
        const { connection } = connect()
        clock.advance(beats * beatMs + 1)
        clock.lateMs = lateMs
        clock.advance(4 * pingIntervalMs)
        const onTime = pingsOf(connection).slice(-2)
        expect(onTime.map((at) => at % beatMs)).toEqual([0, 0])
      }),
      { numRuns: 20 },
    )
  })
})

describe('a connection that owes a pong (P2)', () => {
  it('[5.2] is closed with 3012 after the timeout, at most a beat later, and never before', async () => {
    const timeouts = fc.integer({ min: 1, max: pingIntervalMs - beatMs })
    await fc.assert(
      fc.asyncProperty(timeouts, anyRandom, async (timeoutMs, random) => {
        const { clock, connect, closes, pingsOf } = await start({
          pongTimeoutMs: timeoutMs,
          random: () => random,
        })
        const { connection } = connect()
        clock.advance(3 * pingIntervalMs)
        const [pingedMs = Infinity, ...more] = pingsOf(connection)
        const [close] = closes
        expect(more).toEqual([])
        expect(close?.code).toBe(Disconnects.noPong.code)
        expect((close?.atMs ?? 0) - pingedMs).toBeGreaterThanOrEqual(timeoutMs)
        expect((close?.atMs ?? 0) - pingedMs).toBeLessThan(timeoutMs + beatMs)
      }),
    )
  })

  it('is not closed before its time when its ping went out late', async () => {
    const { clock, connect, closes, pingsOf } = await start({ random: () => 0 })
    const { connection } = connect()
    clock.advance(12.5 * beatMs)
    clock.lateMs = 0.9 * beatMs // of the beat after the next one: the connection's first ping
    clock.advance(3 * beatMs)
    expect(pingsOf(connection)).toEqual([14.9 * beatMs])
    clock.advance(pingIntervalMs)
    expect((closes[0]?.atMs ?? 0) - 14.9 * beatMs).toBeGreaterThanOrEqual(pongTimeoutMs)
  })

  it('stays when it answers in time, again and again', async () => {
    const { clock, connect, closes, heartbeat, untilPing } = await start()
    const { connection } = connect()
    for (let ping = 1; ping <= 5; ping += 1) {
      untilPing(connection)
      clock.advance(pongTimeoutMs - 1)
      expect(heartbeat.onPong(connection)).toBe(true)
    }
    clock.advance(pongTimeoutMs)
    expect(closes).toEqual([])
  })

  it('[16.5] owes none where it only listens, and stays without a word', async () => {
    for (const wire of [websocketWires.uni, streamWires.uniSse]) {
      const { clock, connect, closes, pingsOf } = await start({ wire })
      const { client, connection } = connect()
      await clock.advanceAsync(3 * pingIntervalMs)
      expect(pingsOf(connection).length).toBeGreaterThanOrEqual(2)
      expect(new Set(client.messages)).toEqual(new Set(['{}']))
      expect(closes).toEqual([])
    }
  })

  it('may answer two pings that a busy node sent close together, each once', async () => {
    const { connect, heartbeat } = await start()
    const { connection } = connect()
    connection.owedPongs = 2
    expect([1, 2, 3].map(() => heartbeat.onPong(connection))).toEqual([true, true, false])
  })

  it('is looked for only after a pause in which its pong could not be read', async () => {
    const { clock, connect, closes, heartbeat, untilPing } = await start()
    const { connection } = connect()
    untilPing(connection)
    const setTimer = clock.setTimer.bind(clock)
    clock.setTimer = (run, ms) => {
      if (ms === 0) heartbeat.onPong(connection) // the sockets are read between a late beat and the turn it asks for
      return setTimer(run, ms)
    }
    clock.lateMs = 2 * pongTimeoutMs
    clock.advance(2 * beatMs + 2 * pongTimeoutMs)
    clock.advance(pongTimeoutMs)
    expect(closes).toEqual([])
  })

  it('[3.4] may answer once per ping: a pong that nobody asked for breaks the protocol', async () => {
    const { connect, heartbeat, untilPing } = await start()
    const { connection } = connect()
    expect(heartbeat.onPong(connection)).toBe(false)
    untilPing(connection)
    expect([heartbeat.onPong(connection), heartbeat.onPong(connection)]).toEqual([true, false])
  })
})

describe('the wheel', () => {
  it('does not touch a connection that was removed, because its slot is somebody else’s by then', async () => {
    const { clock, connect, closes, heartbeat, pingsOf, untilPing } = await start({ random: () => 0.5 })
    const { connection: gone } = connect()
    const { connection: owing } = connect()
    heartbeat.remove(gone)
    untilPing(owing)
    expect([gone.owedPongs, owing.owedPongs]).toEqual([0, 1])
    heartbeat.remove(owing)
    clock.advance(4 * pingIntervalMs)
    expect(closes).toEqual([])
    expect(pingsOf(owing)).toHaveLength(1) // nobody is left in the slot: nothing is said to it
  })

  it('stands still after stop: no timer is left and nobody is pinged', async () => {
    const { clock, connect, heartbeat, pingsOf } = await start()
    const { connection } = connect()
    connection.closed()
    heartbeat.stop()
    expect(clock.pendingTimers).toBe(0)
    clock.advance(2 * pingIntervalMs)
    expect(pingsOf(connection)).toEqual([])
  })
})
