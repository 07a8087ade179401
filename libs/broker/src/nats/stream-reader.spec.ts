import { describe, expect, it } from '@jest/globals'
import { systemClock, UnavailableError } from '@natter/primitives'
import type { Msg } from '@nats-io/transport-node'
import type { Listener } from './connection.js'
import { StreamReader, type ReaderParts } from './stream-reader.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** A message as the driver hands it on: what `raw-message.ts` reads of it. */
const message = (subject: string, header: string, reply?: string): Msg => {
  const _msg = {
    subject: bytes(subject),
    hdr: header.length || -1,
    ...(reply === undefined ? {} : { reply: bytes(reply) }),
  }
  return { _rdata: bytes(header), _msg, data: bytes('') } as unknown as Msg
}

const delivery = (seq: number, number: number): Msg =>
  message('s.a', '', `$JS.ACK.S.c.1.${seq}.${number}.1795272034576510835.7`)

/** A server that says what a real one doesn't. */
async function open() {
  const heard: Listener[] = []
  const replies: string[] = []
  let isSubscribed = true
  const link = {
    inbox: 'inbox',
    requireConnected: () => {},
    subscribe: (_subject: string, listener: Listener) => {
      heard.push(listener)
      return { unsubscribe: () => (isSubscribed = false) }
    },
    publish: (_subject: string, _body: Uint8Array, { reply = '' }: { reply?: string } = {}) =>
      replies.push(reply),
  }
  const api = { createConsumer: async () => 'c' }
  const parts = { link, api, clock: systemClock, timeoutMs: 60_000 } as unknown as ReaderParts
  const reader = await StreamReader.open(parts, 'S', 1)
  const say = (...all: Msg[]): void => all.forEach((msg) => heard[0]?.hear(msg))
  return { reader, say, replies, isSubscribed: () => isSubscribed }
}

describe('a reader of a stream', () => {
  it('that misses a delivery ends, rather than leave a publication out', async () => {
    const { reader, say, isSubscribed } = await open()
    const page = reader.page(3, 1_000)
    say(delivery(1, 1), delivery(3, 3))
    await expect(page).rejects.toBeInstanceOf(UnavailableError)
    expect([reader.next, isSubscribed()]).toEqual([undefined, false])
  })

  it('goes by the deliveries, not by the sequences: a stream has holes where channels were removed', async () => {
    const { reader, say } = await open()
    const page = reader.page(2, 1_000)
    say(delivery(4, 1), delivery(9, 2))
    expect((await page).messages.map(({ seq }) => seq)).toEqual([4, 9])
    expect([(await page).pending, reader.next]).toEqual([7, 10])
  })

  it('hears no words that were meant for the page before', async () => {
    const { reader, say, replies } = await open()
    const first = reader.page(1, 1_000)
    say(delivery(1, 1))
    await first
    const second = reader.page(2, 1_000)
    const [old = '', now = ''] = replies
    const noMore = 'NATS/1.0 404 No Messages\r\n\r\n'
    say(message(old, noMore), delivery(2, 2), message(now, noMore))
    expect((await second).messages.map(({ seq }) => seq)).toEqual([2])
  })

  it('says that nothing is there only when the server says so', async () => {
    const { reader, say, replies } = await open()
    const empty = reader.page(2, 1_000)
    say(message(replies[0] ?? '', 'NATS/1.0 404 No Messages\r\n\r\n'))
    expect(await empty).toEqual({ messages: [], pending: 0 })
    const refused = reader.page(2, 1)
    say(message(replies[1] ?? '', 'NATS/1.0 409 Message Size Exceeds MaxBytes\r\n\r\n'))
    await expect(refused).rejects.toBeInstanceOf(UnavailableError)
  })
})
