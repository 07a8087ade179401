import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import { MisbehavingPeer, opcodes } from '../src/index.js'

describe('MisbehavingPeer', () => {
  let server: WebSocketServer
  let peer: MisbehavingPeer
  let remote: WebSocket

  beforeEach(async () => {
    server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      handleProtocols: (offered) => [...offered][1] ?? false,
    })
    await once(server, 'listening')
    const connected = once(server, 'connection')
    const { port } = server.address() as AddressInfo
    peer = await MisbehavingPeer.connect({ port, subprotocols: ['a', 'b'] })
    remote = (await connected)[0] as WebSocket
    remote.on('error', () => {})
  })

  afterEach(() => {
    peer.destroy()
    for (const client of server.clients) client.terminate()
    server.close()
  })

  it('left alone it behaves: subprotocol, masked messages both ways, pong, close', async () => {
    expect(peer.subprotocol).toBe('b')
    const heard = once(remote, 'message')
    peer.send('hello')
    expect(String((await heard)[0])).toBe('hello')

    remote.send('x'.repeat(70_000))
    remote.send(Buffer.from([1, 2]))
    expect((await peer.received(2)).map((message) => message.length)).toEqual([70_000, 2])

    const pong = once(remote, 'pong')
    remote.ping('p')
    await pong

    const gone = once(remote, 'close')
    remote.close(3000, 'why')
    expect(await peer.closed).toEqual({ code: 3000, reason: 'why' })
    expect((await gone)[0]).toBe(3000)
  })

  it('an unmasked frame is sent as such', async () => {
    const gone = new Promise((resolve) => remote.once('close', resolve))
    peer.sendFrame({ opcode: opcodes.text, payload: Buffer.from('bare'), masked: false })
    expect((await peer.closed).code).toBe(1002)
    await gone
  })

  it('while paused the server bytes pile up, after it they all arrive', async () => {
    peer.pause()
    const body = 'x'.repeat(100_000)
    for (let i = 0; i < 100; i += 1) remote.send(body)
    expect(remote.bufferedAmount).toBeGreaterThan(0)
    peer.resume()
    expect(await peer.received(100)).toHaveLength(100)
  })

  it('a reset is 1006 for the server, and waiting for messages of a closed peer fails', async () => {
    const gone = once(remote, 'close')
    peer.destroy()
    expect((await gone)[0]).toBe(1006)
    await expect(peer.received(1)).rejects.toThrow('closed with 1006')
  })

  it('a server that refuses is reported with its status line', async () => {
    server.close()
    const refusing = new WebSocketServer({ port: 0, host: '127.0.0.1', verifyClient: () => false })
    await once(refusing, 'listening')
    const { port } = refusing.address() as AddressInfo
    await expect(MisbehavingPeer.connect({ port })).rejects.toThrow('HTTP/1.1 401')
    refusing.close()
  })
})
