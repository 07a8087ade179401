import { afterEach, describe, expect, it } from '@jest/globals'
import type { Socket as TcpSocket } from 'node:net'
import { WebSocket } from 'ws'
import { createUwsServer, type Socket, type SocketServer } from '../src/index.js'

const text = JSON.stringify({ says: 'the same thing again and again. '.repeat(100) })

describe('uws: permessage-deflate', () => {
  const servers: SocketServer<undefined>[] = []
  const clients: WebSocket[] = []

  afterEach(() => {
    for (const client of clients.splice(0)) client.terminate()
    for (const server of servers.splice(0)) server.close()
  })

  const start = async (compression?: { fromBytes: number }) => {
    const sockets: Socket<undefined>[] = []
    const messages: string[] = []
    const closes: number[] = []
    let changed = (): void => {}
    const server = createUwsServer<undefined>(
      { host: '127.0.0.1', port: 0, ...(compression === undefined ? {} : { compression }) },
      {
        onUpgrade: () => ({ accept: true }),
        onOpen: (socket) => void sockets.push(socket),
        onMessage(_socket, message) {
          messages.push(Buffer.from(message).toString())
          changed()
        },
        onDrain: () => {},
        onClose(_socket, code) {
          closes.push(code)
          changed()
        },
      },
    )
    servers.push(server)
    const port = await server.listen()
    const open = async (perMessageDeflate: boolean): Promise<WebSocket> => {
      const client = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate })
      clients.push(client)
      await new Promise((resolve) => client.once('open', resolve))
      return client
    }
    const until = (isTrue: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        changed = () => {
          if (isTrue()) resolve()
        }
        changed()
      })
    return { server, sockets, messages, closes, open, until }
  }

  const bytesOf = (client: WebSocket): number =>
    (client as unknown as { _socket: TcpSocket })._socket.bytesRead

  const heard = (client: WebSocket): Promise<string> =>
    new Promise((resolve) => client.once('message', (data: Buffer) => resolve(data.toString())))

  it('is off unless asked for: what a client offers is not taken', async () => {
    const { open } = await start()
    expect((await open(true)).extensions).toBe('')
  })

  it('[1.6] compresses both ways for who offers it, and not for who does not', async () => {
    const { server, sockets, messages, open, until } = await start({ fromBytes: 100 })
    const [packed, plain] = [await open(true), await open(false)]
    expect(packed.extensions).toContain('permessage-deflate')
    expect(plain.extensions).toBe('')
    for (const socket of sockets) socket.join('room')
    const before = [packed, plain].map(bytesOf)
    const both = [heard(packed), heard(plain)]
    server.publish('room', text)
    expect(await Promise.all(both)).toEqual([text, text])
    const read = [packed, plain].map((client, index) => bytesOf(client) - (before[index] ?? 0))
    expect(read[0]).toBeLessThan(text.length / 10)
    expect(read[1]).toBeGreaterThan(text.length)
    packed.send(text)
    await until(() => messages.length === 1)
    expect(messages).toEqual([text])
  })

  it('[1.6] a frame sent to one client is compressed too, and short ones are not', async () => {
    const { sockets, open } = await start({ fromBytes: 100 })
    const packed = await open(true)
    const long = heard(packed)
    sockets[0]?.send(text)
    expect(await long).toBe(text)
    const before = bytesOf(packed)
    const short = heard(packed)
    sockets[0]?.send('{"id":1,"publish":{}}')
    expect(await short).toBe('{"id":1,"publish":{}}')
    expect(bytesOf(packed) - before).toBe(2 + '{"id":1,"publish":{}}'.length)
  })

  it('[1.6] counts what a message is when it is unpacked: 64 MiB in 64 KiB do not get in', async () => {
    const { messages, closes, open, until } = await start({ fromBytes: 100 })
    const [over, bomb] = [await open(true), await open(true)]
    over.on('error', () => {})
    bomb.on('error', () => {})
    over.send('x'.repeat(65_537))
    await until(() => closes.length === 1)
    bomb.send('x'.repeat(64 * 1_048_576))
    await until(() => closes.length === 2)
    expect(closes).toEqual([1009, 1006])
    expect(messages).toEqual([])
  }, 20_000)
})
