/** What every transport must do, whoever wrote it: call {@link transportContract} from an int-spec with a way to start one. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type {
  Framing,
  Socket,
  SocketHandlers,
  SocketServer,
  SocketServerOptions,
  UpgradeRequest,
} from '../src/index.js'

export interface ContractClient {
  readonly messages: readonly (string | Uint8Array)[]
  readonly subprotocol: string | undefined
  readonly closed: Promise<{ code: number; reason: string }>
  send(message: string | Uint8Array): void
  pause(): void
  resume(): void
  close(code?: number, reason?: string): void
}

export interface ContractServer {
  server: SocketServer<string>
  /** Rejects when refused, with the status in the message. */
  connect(options?: { path?: string; subprotocols?: string[] }): Promise<ContractClient>
  dispose(): void
}

export type StartTransport = (
  options: Pick<SocketServerOptions, 'maxMessageBytes' | 'maxQueueBytes'>,
  handlers: SocketHandlers<string>,
) => Promise<ContractServer>

const maxMessageBytes = 1_000
const maxQueueBytes = 65_536

/** `stream`: a response that stays open. Its client says nothing more after its request, and its end carries no code but the farewell. */
export type SocketKind = 'websocket' | 'stream'

/** What a stream says at its end, in the contract. */
export const farewellMark = 'farewell '

export function transportContract(
  name: string,
  start: StartTransport,
  socketKind: SocketKind = 'websocket',
): void {
  const isStream = socketKind === 'stream'
  const itSpeaks = (title: string, test: () => Promise<void>): void => {
    if (!isStream) it(title, test)
  }

  describe(`${name}: the transport contract`, () => {
    let started: ContractServer
    let server: SocketServer<string>
    let sockets: Socket<string>[]
    let requests: UpgradeRequest[]
    let log: string[]
    let closes: { socket: Socket<string>; code: number; reason: string; wasOpen: boolean }[]
    let changed: () => void
    let calls: string[]

    const handlers: SocketHandlers<string> = {
      onUpgrade(request) {
        requests.push(request)
        calls.push('upgrade')
        if (request.path === '/refused') return { accept: false, status: 403, body: 'not here' }
        return request.subprotocols.includes('chosen')
          ? { accept: true, subprotocol: 'chosen' }
          : { accept: true }
      },
      onRequest: (request) => ({
        is: 'body',
        tooLong: { status: 413, body: 'too long' },
        decide(body) {
          requests.push({ ...request, subprotocols: [] })
          calls.push('upgrade')
          if (request.path === '/refused') return { is: 'answer', answer: { status: 403, body: 'not here' } }
          const framing = request.headers['x-framing'] as Framing
          const farewell = (code: number, reason: string): string =>
            `${farewellMark}${JSON.stringify({ code, reason })}`
          const opening = { framing, headers: {}, message: body, isBinary: false, farewell }
          return { is: 'stream', stream: opening }
        },
      }),
      onOpen(socket) {
        socket.context = `socket ${sockets.length}`
        sockets.push(socket)
        calls.push('open')
        changed()
      },
      onMessage(socket, message, isBinary) {
        log.push(`${socket.context} ${isBinary ? 'binary' : 'text'} ${Buffer.from(message).toString()}`)
        changed()
      },
      onDrain(socket) {
        log.push(`${socket.context} drain`)
        changed()
      },
      onClose(socket, code, reason) {
        closes.push({ socket, code, reason, wasOpen: socket.isOpen })
        changed()
      },
    }

    /** Waits for a handler to make it true. */
    const until = (isTrue: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        changed = () => {
          if (isTrue()) resolve()
        }
        changed()
      })

    const open = async (options?: {
      path?: string
      subprotocols?: string[]
    }): Promise<[ContractClient, Socket<string>]> => {
      const count = sockets.length
      const client = await started.connect(options)
      await until(() => sockets.length > count)
      const socket = sockets[count]
      if (socket === undefined) throw new Error('no socket was opened')
      return [client, socket]
    }

    beforeEach(async () => {
      sockets = []
      requests = []
      calls = []
      log = []
      closes = []
      changed = () => {}
      started = await start({ maxMessageBytes, maxQueueBytes }, handlers)
      server = started.server
    })

    afterEach(() => started.dispose())

    itSpeaks(
      'hands over path, query, headers and offers before the decision, and echoes only a chosen subprotocol',
      async () => {
        const [chosen] = await open({ path: '/somewhere?a=1', subprotocols: ['other', 'chosen'] })
        const [none] = await open({ path: '/', subprotocols: [] })

        expect(requests[0]).toMatchObject({
          path: '/somewhere',
          query: 'a=1',
          subprotocols: ['other', 'chosen'],
        })
        expect(chosen.subprotocol).toBe('chosen')
        expect(none.subprotocol).toBeFalsy()
        expect(sockets[0]?.remoteAddress).toBe('127.0.0.1')
      },
    )

    it('refuses with the status it was told and opens nothing', async () => {
      await expect(started.connect({ path: '/refused' })).rejects.toThrow('403')
      expect(sockets).toHaveLength(0)
    })

    itSpeaks('strings travel as text and bytes as binary, both ways', async () => {
      const [client, socket] = await open()
      client.send('hello')
      client.send(Buffer.from('bytes'))
      await until(() => log.length === 2)
      expect(log).toEqual(['socket 0 text hello', 'socket 0 binary bytes'])

      socket.send('grüße')
      socket.send(Buffer.from([1, 2, 3]))
      socket.end(3000, 'done')
      await client.closed
      expect(client.messages[0]).toBe('grüße')
      expect([...Buffer.from(client.messages[1] ?? '')]).toEqual([1, 2, 3])
    })

    it('T1: whatever the order of publish, send, join and leave in a turn, each arrives as if done at once', async () => {
      const step = fc.oneof(
        { weight: 4, arbitrary: fc.constant('publish' as const) },
        { weight: 1, arbitrary: fc.constant('publish big' as const) },
        { weight: 3, arbitrary: fc.constant('send' as const) },
        { weight: 1, arbitrary: fc.constant('join' as const) },
        { weight: 1, arbitrary: fc.constant('leave' as const) },
      )
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
          const [client, socket] = await open()
          const expected: string[] = []
          let isMember = false
          for (const [index, kind] of steps.entries()) {
            const frame = kind === 'publish big' ? `${index}${'.'.repeat(17_000)}` : `${kind} ${index}`
            if (kind === 'join') socket.join('room')
            else if (kind === 'leave') socket.leave('room')
            else if (kind === 'send') socket.send(frame)
            else server.publish('room', frame)
            if (kind === 'join' || kind === 'leave') isMember = kind === 'join'
            else if (kind === 'send' || isMember) expected.push(frame)
          }
          socket.send('last')
          socket.end(3000, '')
          await client.closed
          expect(client.messages).toEqual([...expected, 'last'])
        }),
        { numRuns: 60 },
      )
    }, 20_000)

    it('T2: a stalled reader gets everything before the first drop, nothing after it, and 3008', async () => {
      const stall = fc.record({
        burst: fc.integer({ min: 1, max: 70 }),
        bytes: fc.integer({ min: 1_000, max: 15_000 }),
        bigEvery: fc.integer({ min: 0, max: 12 }),
        sendEvery: fc.integer({ min: 0, max: 9 }),
        readsUntilTurn: fc.integer({ min: 0, max: 300 }),
      })
      await fc.assert(
        fc.asyncProperty(stall, async ({ burst, bytes, bigEvery, sendEvery, readsUntilTurn }) => {
          const [client, socket] = await open()
          socket.join('room')
          client.pause()
          const body = '.'.repeat(bytes)
          let number = 0
          for (let turn = 0; closes.length < sockets.length; turn += 1) {
            for (let i = 0; i < burst; i += 1) {
              number += 1
              if (sendEvery > 0 && number % sendEvery === 0) socket.send(`${number}:${body}`)
              else if (bigEvery > 0 && number % bigEvery === 0)
                server.publish('room', `${number}:${body.padEnd(17_000, '.')}`)
              else server.publish('room', `${number}:${body}`)
            }
            if (turn % 7 === 5 && turn < readsUntilTurn) client.resume() // reads a little and stops again
            if (turn % 7 === 6) client.pause()
            await new Promise(setImmediate)
            if (number > 100_000) throw new Error('nothing was ever dropped')
          }
          client.resume()
          const seen = { close: false }
          void client.closed.then(() => {
            seen.close = true
          })
          while (!seen.close) {
            server.publish('room', 'after the close')
            socket.send('after the close')
            await new Promise(setImmediate)
          }
          const close = await client.closed

          const numbers = client.messages.map((message) => Number.parseInt(String(message), 10))
          expect(numbers).toEqual(numbers.map((_, index) => index + 1))
          expect([3008, 1006]).toContain(close.code)
          expect(closes.at(-1)).toMatchObject({ socket, code: 3008, reason: 'slow', wasOpen: false })
        }),
        { numRuns: 12, interruptAfterTimeLimit: 12_000 },
      )
    }, 30_000)

    it('a reader that reads on after a drop is told why it is closed', async () => {
      const [client, socket] = await open()
      socket.join('room')
      client.pause()
      while (closes.length === 0) {
        server.publish('room', '.'.repeat(5_000))
        await new Promise(setImmediate)
      }
      client.resume()
      expect(await client.closed).toEqual({ code: 3008, reason: 'slow' })
    })

    it('says when frames wait, and lets one over the limit wait until it is taken', async () => {
      const [client, socket] = await open()
      client.pause()
      let verdict = socket.send('.'.repeat(1_000))
      while (socket.bufferedBytes <= maxQueueBytes / 2) verdict = socket.send('.'.repeat(1_000))
      verdict = socket.send('.'.repeat(maxQueueBytes))
      expect(verdict).toBe('queued')
      expect(socket.bufferedBytes).toBeGreaterThan(maxQueueBytes)
      client.resume()
      await until(() => log.includes('socket 0 drain'))
      expect(socket.isOpen).toBe(true)
    })

    it('says when waiting bytes were taken, however few waited: who waits for an empty socket would wait for ever', async () => {
      const [client, socket] = await open()
      client.pause()
      while (socket.bufferedBytes === 0) socket.send('.'.repeat(1_000))
      expect(socket.bufferedBytes).toBeLessThan(maxQueueBytes)
      client.resume()
      await until(() => log.includes('socket 0 drain') && socket.bufferedBytes === 0)
    })

    it('what waits arrives when the reader reads on, though nothing is written after it', async () => {
      const [client, socket] = await open()
      client.pause()
      let count = 0
      for (; socket.bufferedBytes === 0; count += 1) socket.send(`${count} ${'.'.repeat(30_000)}`)
      client.resume()
      while (client.messages.length < count) await new Promise(setImmediate)
      expect(client.messages.map((message) => Number.parseInt(String(message), 10))).toEqual(
        Array.from({ length: count }, (_, index) => index),
      )
    })

    itSpeaks('a reader that keeps up is never said to have drained', async () => {
      const [client, socket] = await open()
      for (let i = 0; i < 10; i += 1) socket.send('x')
      expect(socket.bufferedBytes).toBe(0)
      client.send('after them')
      await until(() => log.length > 0)
      expect(log).toEqual(['socket 0 text after them'])
    })

    it('T3: after the end every call is a no-op, and the first end wins', async () => {
      const [client, socket] = await open()
      socket.end(3001, 'first')
      expect(socket.isOpen).toBe(false)
      socket.end(3002, 'second')
      socket.join('room')
      socket.leave('room')
      expect(socket.send('late')).toBe('dropped')
      expect(socket.bufferedBytes).toBe(0)
      server.publish('room', 'late')

      expect(await client.closed).toEqual({ code: 3001, reason: 'first' })
      expect(client.messages).toEqual([])
      expect(closes).toMatchObject([{ code: 3001, reason: 'first', wasOpen: false }])
    })

    itSpeaks('T3: the same after the peer has gone', async () => {
      const [client, socket] = await open()
      client.close(4000, 'bye')
      await until(() => closes.length === 1)
      expect(closes[0]).toMatchObject({ code: 4000, reason: 'bye', wasOpen: false })
      socket.join('room')
      socket.send('late')
      socket.end(3000, 'late')
      expect(closes).toHaveLength(1)
    })

    it('cuts a reason to 123 bytes without cutting a character', async () => {
      const [client, socket] = await open()
      socket.end(3000, `a${'é'.repeat(100)}`)
      const close = await client.closed
      expect(close.reason).toBe(`a${'é'.repeat(61)}`)
      expect(closes[0]?.reason).toBe(close.reason)
    })

    itSpeaks('answers a message that is too long with 1009 and does not hand it over', async () => {
      const [client] = await open()
      client.send('x'.repeat(maxMessageBytes))
      await until(() => log.length === 1)
      client.send('x'.repeat(maxMessageBytes + 1))
      expect(await client.closed).toEqual({ code: 1009, reason: 'message too big' })
      expect(log).toHaveLength(1)
    })

    itSpeaks(
      'answers 1009 up to 1 MiB and cuts what is longer, so that what arrives is bounded',
      async () => {
        const [[long], [longer]] = [await open(), await open()]
        long.send('x'.repeat(1_048_576))
        expect((await long.closed).code).toBe(1009)
        longer.send('x'.repeat(1_048_577))
        expect((await longer.closed).code).toBe(1006)
      },
    )

    it('stops accepting while open sockets stay', async () => {
      const [client, socket] = await open()
      socket.join('room')
      server.stopListening()
      await expect(started.connect()).rejects.toThrow()
      server.publish('room', 'still here')
      socket.end(3000, '')
      await client.closed
      expect(client.messages).toEqual(['still here'])
    })

    it('T5: opens a socket before it looks at another request, so that what was read of it may wait for the socket', async () => {
      await Promise.all(Array.from({ length: 20 }, () => started.connect()))
      await until(() => sockets.length === 20)
      expect(calls).toEqual(Array.from({ length: 20 }, () => ['upgrade', 'open']).flat())
    })

    if (isStream) {
      it('the request is its first message, after it was opened', async () => {
        const [, socket] = await open()
        await until(() => log.length === 1)
        expect(log).toEqual([`${socket.context} text the request`])
        expect(calls).toEqual(['upgrade', 'open'])
      })

      it('T3, T4: a client that goes away is closed once with 3000, and nothing is written after it', async () => {
        const [client, socket] = await open()
        socket.join('room')
        client.close()
        await until(() => closes.length === 1)
        expect(closes).toMatchObject([{ code: 3000, reason: 'connection closed', wasOpen: false }])
        server.publish('room', 'late')
        expect(socket.send('late')).toBe('dropped')
        socket.end(3001, 'late')
        await new Promise(setImmediate)
        expect(closes).toHaveLength(1)
      })

      it('what was accepted comes before the farewell, and the farewell is the last', async () => {
        const [client, socket] = await open()
        socket.join('room')
        socket.send('one')
        server.publish('room', 'two')
        socket.end(3001, 'shutdown')
        expect(await client.closed).toEqual({ code: 3001, reason: 'shutdown' })
        expect(client.messages).toEqual(['one', 'two'])
      })
    }

    it('T4: close ends what is open, each reported once', async () => {
      const clients = [await open(), await open()]
      sockets[0]?.end(3000, 'before')
      server.close()
      server.close()
      await Promise.all(clients.map(([client]) => client.closed))
      expect(closes.map(({ socket, code }) => [socket.context, code])).toEqual([
        ['socket 0', 3000],
        ['socket 1', 1006],
      ])
    })
  })
}
