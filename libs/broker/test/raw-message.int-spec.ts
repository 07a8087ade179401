import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { connect, headers, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import { Outbox, requestAddress } from '../src/nats/outbox.js'
import { headerBytesOf, rawHeaders, tokenOf } from '../src/nats/raw-message.js'
import { TestNats } from './nats-server.js'

/** Fails when the driver's fields that we read directly move, or mean something else. */
describe('what we read behind the doors of nats.js', () => {
  let server: TestNats
  let nc: NatsConnection

  beforeAll(async () => {
    server = await TestNats.start()
    nc = await connect({ servers: server.url })
  })

  afterAll(async () => {
    await nc.close()
    await server.stop()
  })

  const receive = async (subject: string, hdrs: MsgHdrs | undefined): Promise<Msg> => {
    const received = new Promise<Msg>((resolve) => {
      nc.subscribe(subject, { max: 1, callback: (_, msg) => resolve(msg) })
    })
    nc.publish(subject, 'body', hdrs === undefined ? {} : { headers: hdrs })
    return received
  }

  it('the header bytes are exactly what the driver itself would decode', async () => {
    const sent = headers()
    sent.append('Nats-Sequence', '1')
    sent.append('Nats-Sequence', '2')
    const msg = await receive('raw.1', sent)
    expect(Buffer.from(headerBytesOf(msg) ?? []).toString()).toBe(
      'NATS/1.0\r\nNats-Sequence: 1\r\nNats-Sequence: 2\r\n\r\n',
    )
    expect(msg.headers?.values('Nats-Sequence')).toEqual(['1', '2'])
  })

  it('a message without headers has none', async () => {
    expect(headerBytesOf(await receive('raw.2', undefined))).toBeUndefined()
  })

  it('headers that we write as bytes are read back by the driver', async () => {
    const received = hear('raw.3', 1)
    new Outbox(nc).publish('raw.3', undefined, rawHeaders(['Natter-Meta: {"k":"json"}']), Buffer.from('body'))
    const [msg] = await received
    if (msg === undefined) throw new Error('nothing came')
    expect(msg.headers?.get('Natter-Meta')).toBe('{"k":"json"}')
    expect(msg.string()).toBe('body')
  })

  it('the last token is read as a number from the subject bytes', async () => {
    expect(tokenOf(await receive('raw.inbox.120045', undefined))).toBe(120_045)
  })

  it('what is said in a turn leaves in one write, in its order, between what the driver itself was told', async () => {
    const received = hear('raw.turn.>', 4)
    const outbox = new Outbox(nc)
    const write = jest.spyOn(transportOf(nc), 'send')
    outbox.publish('raw.turn.a', undefined, undefined, Buffer.from('1'))
    await Promise.resolve() // the driver writes in a microtask: this must not
    outbox.publish('raw.turn.b', 'raw.reply', rawHeaders(['A: b']), Buffer.alloc(0))
    outbox.request(requestAddress('raw.turn.c', 'raw.inbox'), 120, undefined, Buffer.from('3'))
    expect(write).not.toHaveBeenCalled()
    outbox.flush()
    nc.publish('raw.turn.d')
    const messages = await received
    expect(
      messages.map(({ subject, reply, data }) => [subject, reply, Buffer.from(data).toString()]),
    ).toEqual([
      ['raw.turn.a', '', '1'],
      ['raw.turn.b', 'raw.reply', ''],
      ['raw.turn.c', 'raw.inbox.120', '3'],
      ['raw.turn.d', '', ''],
    ])
    expect(write).toHaveBeenCalledTimes(2)
    write.mockRestore()
  })

  it('bodies of all sizes around that of a piece arrive whole and in order', async () => {
    const sizes = [0, 9, 10, 99, 32_000, 32_704, 32_768, 1, 70_000, 16_384, 16_384, 3]
    const received = hear('raw.size', sizes.length)
    const outbox = new Outbox(nc)
    for (const [index, size] of sizes.entries())
      outbox.publish('raw.size', undefined, undefined, Buffer.alloc(size, 65 + index))
    const bodies = (await received).map(({ data }) => [data.length, data[0], data.at(-1)])
    const letter = (index: number): number => 65 + index
    expect(bodies).toEqual(
      sizes.map((size, index) =>
        size === 0 ? [0, undefined, undefined] : [size, letter(index), letter(index)],
      ),
    )
  })

  it('what waits when the connection is lost is never sent', async () => {
    const received = hear('raw.lost', 1)
    const outbox = new Outbox(nc)
    outbox.publish('raw.lost', undefined, undefined, Buffer.from('before'))
    outbox.drop()
    outbox.publish('raw.lost', undefined, undefined, Buffer.from('after'))
    const [first] = await received
    expect(first?.string()).toBe('after')
  })

  it.each(['', 'a b', 'a\r\nPUB b 0', 'a\tb', 'a\u00e9'])(
    'a subject that could end its line is refused: %j',
    (subject) => {
      const outbox = new Outbox(nc)
      const refusal = expect.objectContaining({ code: 'bad-subject' })
      expect(() => outbox.publish(subject, undefined, undefined, Buffer.alloc(0))).toThrow(refusal)
      expect(() => outbox.publish('raw.a', subject, undefined, Buffer.alloc(0))).toThrow(refusal)
      expect(() => requestAddress(subject, 'raw.inbox')).toThrow(refusal)
    },
  )

  /** Resolves with the next messages; the server has the subscription when this node says anything later. */
  function hear(subject: string, count: number): Promise<Msg[]> {
    const messages: Msg[] = []
    return new Promise((resolve) => {
      nc.subscribe(subject, {
        max: count,
        callback: (_, msg) => {
          messages.push(msg)
          if (messages.length === count) resolve(messages)
        },
      })
      void nc.flush()
    })
  }
})

interface Transport {
  send(bytes: Uint8Array): void
}

const transportOf = (nc: NatsConnection): Transport =>
  (nc as unknown as { protocol: { transport: Transport } }).protocol.transport
