/** An audience on sockets in memory, for its laws. */
import { jest } from '@jest/globals'
import { MemoryClient, MemorySocketServer, type Socket } from '@natter/transport'
import { Audience, type Listener, type Seat } from '../src/channels/audience.js'
import type { Choice } from '../src/channels/choice.js'
import type { Wire } from '../src/connection/wire.js'

export interface Wish {
  wire: Wire
  choice?: Choice
}

export interface Member extends Listener {
  client: MemoryClient
  seat: Seat & { isWanted: boolean }
  wish: Wish
}

/** The end of a turn: what was told in it has been handed over. */
export const turn = (): Promise<void> => new Promise(setImmediate)

/** A client for each wish, all subscribed to `news`, none of them listening yet. */
export async function serveMembers(wanted: readonly Wish[]) {
  const sockets: Socket<undefined>[] = []
  const server = new MemorySocketServer<undefined>(
    { host: '127.0.0.1', port: 0 },
    {
      onUpgrade: () => ({ accept: true }),
      onOpen: (socket) => sockets.push(socket),
      onMessage() {},
      onDrain() {},
      onClose() {},
    },
  )
  await server.listen()
  const seats = new Map<Listener, Seat>()
  const subscribers = jest.fn(() => seats)
  const audience = new Audience(server, { subscriberCount: () => seats.size, subscribers })
  const members = wanted.map((wish): Member => {
    const client = server.connect()
    const socket = sockets.at(-1)
    if (!(client instanceof MemoryClient) || socket === undefined) throw new Error('no client')
    const member: Member = {
      wire: wish.wire,
      wish,
      client,
      seat: {
        channel: 'news',
        isListening: false,
        isWanted: true,
        features: { pushesJoinLeave: false },
        choice: wish.choice,
      },
      join: (topic) => socket.join(topic),
      leave: (topic) => socket.leave(topic),
      say: (frame) => void socket.send(frame),
      disconnect: ({ code, reason }) => socket.end(code, reason),
    }
    seats.set(member, member.seat)
    return member
  })
  return { audience, members, publish: jest.spyOn(server, 'publish'), subscribers }
}
