import { describe, expect, it } from '@jest/globals'
import type { Clock } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import type { Msg } from '@nats-io/transport-node'
import type { Listener } from './connection.js'
import { RecordsFollower, type FollowerParts } from './records-follower.js'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** A record as the driver hands it on: what `raw-message.ts` reads of it. */
const delivery = (seq: number, number: number): Msg => {
  const reply = bytes(`$JS.ACK.S.c.1.${seq}.${number}.1795272034576510835.7`)
  return {
    _rdata: bytes(''),
    _msg: { subject: bytes('p.k'), hdr: -1, reply },
    data: bytes('v'),
  } as unknown as Msg
}

/** What the server says of a pull. */
const word = (pull: number, status: string): Msg => {
  const header = bytes(`NATS/1.0 ${status}\r\n\r\n`)
  const _msg = { subject: bytes(`inbox.k.1.${pull}`), hdr: header.length }
  return { _rdata: header, _msg, data: bytes('') } as unknown as Msg
}

/** A server that takes the mark, and says of the rest what the test says. */
async function open() {
  const clock = new ManualClock()
  let lateMs = 0
  const wall: Clock = { now: () => clock.now() - lateMs, setTimer: (run, ms) => clock.setTimer(run, ms) }
  const setBack = (ms: number): void => void (lateMs = ms)
  const told: string[] = []
  const readers: Listener[] = []
  const values: Uint8Array[] = []
  const way = { lost: () => {}, back: () => {} }
  const server = { consumer: Promise.resolve('c'), asked: 0 }
  const link = {
    inbox: 'inbox',
    isConnected: true,
    onLoss: (listener: () => void) => void (way.lost = listener),
    onBack: (listener: () => void) => void (way.back = listener),
    publish: () => {},
    subscribe: (_subject: string, reader: Listener) => {
      readers.push(reader)
      return { isClosed: () => false, unsubscribe: () => {} }
    },
  }
  const tell = (what: string) => () => void told.push(what)
  const parts = {
    link,
    api: { createConsumer: () => ((server.asked += 1), server.consumer) },
    clock: wall,
    stream: 'S',
    prefix: 'p.',
    mark: async () => 2,
    listener: {
      begin: tell('begin'),
      record: ({ value }: { value: Uint8Array }) => (told.push('record'), void values.push(value)),
      caughtUp: tell('caught up'),
      away: tell('away'),
      trouble: tell('trouble'),
    },
  }
  const follower = new RecordsFollower(parts as unknown as FollowerParts)
  await nextTurn()
  const advance = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      clock.advance(1_000)
      await nextTurn()
    }
  }
  const say = (...all: Msg[]): void => all.forEach((msg) => readers.at(-1)?.hear(msg))
  return { follower, told, say, advance, setBack, clock, way, server, values }
}

describe('a follower of records', () => {
  it('RF3: whose reading breaks off before it has caught up is not away: it would be taken for one that knows all there is', async () => {
    const { follower, told, say, advance } = await open()
    say(delivery(1, 1))
    await advance(4_000)
    expect(told.slice(0, 3)).toEqual(['begin', 'record', 'trouble'])
    await advance(1_000)
    say(delivery(1, 1), delivery(2, 2))
    expect(told.at(-1)).toBe('caught up')
    expect(told).not.toContain('away')
    follower.stop()
  })

  it('RF3: who had caught up and hears nothing any more is away', async () => {
    const { follower, told, say, advance } = await open()
    say(delivery(2, 1))
    expect(told).toEqual(['begin', 'record', 'caught up'])
    await advance(4_000)
    expect(told.slice(3, 5)).toEqual(['trouble', 'away'])
    follower.stop()
  })

  it('RF2: a clock that is set back hides no silence', async () => {
    const { follower, told, say, advance, setBack } = await open()
    say(delivery(2, 1))
    setBack(3_600_000)
    await advance(4_000)
    expect(told).toContain('away')
    follower.stop()
  })

  it('RF1: has caught up with the mark itself: the record before it is not the last one that counts', async () => {
    const { follower, told, say } = await open()
    say(delivery(1, 1))
    expect(told).toEqual(['begin', 'record'])
    say(delivery(2, 2))
    expect(told).toEqual(['begin', 'record', 'record', 'caught up'])
    follower.stop()
  })

  it('RF1: what an earlier attempt asked for finds nobody: two readings at once would each end the other’s round', async () => {
    const { follower, told, way, server } = await open()
    let answer = (_name: string): void => {}
    server.consumer = new Promise((resolve) => (answer = resolve))
    way.back()
    await nextTurn()
    way.lost()
    const before = [...told]
    answer('c')
    await nextTurn()
    expect(told).toEqual(before)
    follower.stop()
  })

  it('RF2: a delivery that is missing ends the attempt: it may have been a block', async () => {
    const { follower, told, say } = await open()
    say(delivery(2, 2))
    expect(told).toEqual(['begin', 'trouble'])
    follower.stop()
  })

  it('RF2: a word about a pull that is over ends nothing, one about the present does', async () => {
    const { follower, told, say } = await open()
    say(word(1, '408 Request Timeout'), word(1, '409 Consumer Deleted'))
    expect(told).toEqual(['begin'])
    say(word(2, '409 Consumer Deleted'))
    expect(told).toEqual(['begin', 'trouble'])
    follower.stop()
  })

  it('RF2: who had caught up is read again after a tenth of a second at most, however often that went wrong before', async () => {
    const { follower, told, say, clock, server } = await open()
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      expect(server.asked).toBe(attempt)
      say(delivery(2, 1), delivery(9, 9))
      clock.advance(100)
      await nextTurn()
    }
    expect(told.filter((one) => one === 'caught up')).toHaveLength(6)
    follower.stop()
  })

  it('RF3: hears of the way back in its turn: a command that comes next must find that not all may be known', async () => {
    const { follower, told, say, way } = await open()
    say(delivery(2, 1))
    way.lost()
    way.back()
    expect(told.slice(-2)).toEqual(['away', 'begin'])
    follower.stop()
  })

  it('keeps of what came the record alone: a view would hold all that came with it', async () => {
    const { follower, say, values } = await open()
    const one = delivery(1, 1)
    say(one)
    expect(values[0]).toEqual(new Uint8Array(one.data))
    expect(values[0]?.buffer).not.toBe(one.data.buffer)
    follower.stop()
  })
})
