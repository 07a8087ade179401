import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { TcpProxy } from '../src/index.js'

/** `events.once` would reject on the reset that comes before. */
const closeOf = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.once('close', () => resolve())
  })

describe('TcpProxy', () => {
  let echo: Server
  let proxy: TcpProxy
  const clients: Socket[] = []

  beforeEach(async () => {
    echo = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1')
    await once(echo, 'listening')
    proxy = await TcpProxy.start({ port: (echo.address() as AddressInfo).port })
  })

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await proxy.stop()
    echo.close()
  })

  const open = async (): Promise<Socket> => {
    const client = connect(proxy.port, '127.0.0.1')
    client.on('error', () => {})
    clients.push(client)
    await once(client, 'connect')
    return client
  }

  const read = async (client: Socket, bytes: number): Promise<string> => {
    let text = ''
    while (text.length < bytes) text += String((await once(client, 'data'))[0])
    return text
  }

  it('forwards both ways, in order, also when delayed', async () => {
    const client = await open()
    client.write('one,')
    proxy.delayMs = 30
    client.write('two,')
    expect(await read(client, 8)).toBe('one,two,')
    proxy.delayMs = 0
    client.write('three')
    expect(await read(client, 5)).toBe('three')
  })

  it('a pause holds everything and loses nothing', async () => {
    const client = await open()
    client.write('a')
    expect(await read(client, 1)).toBe('a')
    proxy.pause()
    client.write('b')
    const winner = await Promise.race([
      read(client, 1),
      new Promise((resolve) => setTimeout(resolve, 100, 'silence')),
    ])
    expect(winner).toBe('silence')
    const arrived = once(client, 'data')
    proxy.resume()
    expect(String((await arrived)[0])).toBe('b')
  })

  it('a cut closes what is open and lets new connections in', async () => {
    const client = await open()
    client.write('x')
    await read(client, 1)
    const closed = closeOf(client)
    proxy.cut()
    await closed
    const next = await open()
    next.write('y')
    expect(await read(next, 1)).toBe('y')
  })

  it('refuses new connections while told to', async () => {
    proxy.refuse()
    const refused = connect(proxy.port, '127.0.0.1')
    refused.on('error', () => {})
    await closeOf(refused)
    proxy.refuse(false)
    const next = await open()
    next.write('y')
    expect(await read(next, 1)).toBe('y')
  })

  it('passes an end of stream on, so a half-closed client still gets its answer', async () => {
    const client = await open()
    client.end('bye')
    expect(await read(client, 3)).toBe('bye')
    await once(client, 'end')
  })
})
