import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { connect, headers, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { headerBytesOf, rawHeaders, tokenOf } from '../src/nats/raw-message.js'
import { socketOf, WriteBatch } from '../src/nats/write-batch.js'
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

  const receive = async (subject: string, hdrs: ReturnType<typeof rawHeaders> | undefined): Promise<Msg> => {
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
    const msg = await receive('raw.3', rawHeaders(['Natter-Meta: {"k":"json"}']))
    expect(msg.headers?.get('Natter-Meta')).toBe('{"k":"json"}')
    expect(msg.string()).toBe('body')
  })

  it('the last token is read as a number from the subject bytes', async () => {
    expect(tokenOf(await receive('raw.inbox.120045', undefined))).toBe(120_045)
  })

  it('the socket under the connection can be corked, and what was published leaves when it is uncorked', async () => {
    const heard: string[] = []
    const last = new Promise<void>((resolve) => {
      nc.subscribe('raw.corked.*', {
        callback: (_, msg) => {
          heard.push(msg.subject)
          if (heard.length === 3) resolve()
        },
      })
    })
    await nc.flush()
    const writes = new WriteBatch(nc)
    const write = jest.spyOn(requireSocket(nc), 'uncork')
    for (const name of ['a', 'b', 'c']) {
      writes.begin()
      nc.publish(`raw.corked.${name}`)
      await Promise.resolve() // the driver writes in a microtask
    }
    await last
    expect(heard).toEqual(['raw.corked.a', 'raw.corked.b', 'raw.corked.c'])
    expect(write).toHaveBeenCalledTimes(1)
    write.mockRestore()
  })
})

function requireSocket(nc: NatsConnection): NonNullable<ReturnType<typeof socketOf>> {
  const socket = socketOf(nc)
  if (socket === undefined) throw new Error('the driver keeps its socket elsewhere')
  return socket
}
