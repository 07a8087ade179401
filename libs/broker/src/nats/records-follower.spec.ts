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

/** A server that takes the mark, and says of the rest what the test says. */
async function open() {
  const clock = new ManualClock()
  let lateMs = 0
  const wall: Clock = { now: () => clock.now() - lateMs, setTimer: (run, ms) => clock.setTimer(run, ms) }
  const setBack = (ms: number): void => void (lateMs = ms)
  const told: string[] = []
  const readers: Listener[] = []
  const link = {
    inbox: 'inbox',
    isConnected: true,
    onLoss: (_listener: () => void) => {},
    onBack: (_listener: () => void) => {},
    publish: () => {},
    subscribe: (_subject: string, reader: Listener) => {
      readers.push(reader)
      return { isClosed: () => false, unsubscribe: () => {} }
    },
  }
  const tell = (what: string) => () => void told.push(what)
  const parts = {
    link,
    api: { createConsumer: async () => 'c' },
    clock: wall,
    stream: 'S',
    prefix: 'p.',
    mark: async () => 2,
    listener: {
      begin: tell('begin'),
      record: tell('record'),
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
  return { follower, told, say, advance, setBack }
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
})
