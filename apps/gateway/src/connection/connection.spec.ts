import { describe, expect, it } from '@jest/globals'
import { Disconnects, type Command } from '@natter/protocol'
import { ManualClock } from '@natter/testing'
import { MemoryClient, MemorySocketServer } from '@natter/transport'
import fc from 'fast-check'
import { Connection, type Identity } from './connection.js'
import { websocketWires } from './wire.js'

const staleCloseMs = 10_000
const ana: Identity = { user: 'ana', expiresAtMs: undefined }
const publish = (id: number): Command => ({ id, method: 'publish', request: { channel: 'news' } })

/** A connection on a socket in memory, closed as the gateway closes it. */
async function open() {
  const clock = new ManualClock(0)
  const opened: Connection[] = []
  const server: MemorySocketServer<Connection> = new MemorySocketServer<Connection>(
    { host: '127.0.0.1', port: 0 },
    {
      onUpgrade: () => ({ accept: true }),
      onOpen(socket) {
        const connection: Connection = new Connection(
          'c1',
          socket,
          websocketWires.json,
          clock,
          staleCloseMs,
          () => connection.disconnect(Disconnects.stale),
        )
        socket.context = connection
        opened.push(connection)
      },
      onMessage() {},
      onDrain() {},
      onClose: (socket) => socket.context.closed(),
    },
  )
  await server.listen()
  const client = server.connect()
  const connection = opened[0]
  if (!(client instanceof MemoryClient) || connection === undefined) throw new Error('no client')
  return { clock, connection, client, server }
}

type Opened = Awaited<ReturnType<typeof open>>
type Kind = Connection['kind']

const ways: Record<Kind, (connection: Connection) => void> = {
  awaiting() {},
  connecting: (connection) => void connection.startConnecting(),
  refused(connection) {
    connection.startConnecting()
    connection.refused()
  },
  connected(connection) {
    connection.startConnecting()
    connection.connected(ana)
  },
  closed: (connection) => connection.closed(),
}
const kinds = Object.keys(ways) as Kind[]

async function openAs(kind: Kind): Promise<Opened> {
  const opened = await open()
  ways[kind](opened.connection)
  expect(opened.connection.kind).toBe(kind)
  return opened
}

const moves = {
  startConnecting: (connection: Connection) => connection.startConnecting(),
  hold: (connection: Connection) => connection.hold(publish(1), 2),
  connected: (connection: Connection) => connection.connected(ana),
  refused: (connection: Connection) => connection.refused(),
  renew: (connection: Connection) => connection.renew({ ...ana, user: 'ben' }, () => {}, 5_000),
}
type Move = keyof typeof moves

const legal: Record<Move, Kind> = {
  startConnecting: 'awaiting',
  hold: 'connecting',
  connected: 'connecting',
  refused: 'connecting',
  renew: 'connected',
}

const illegalMoves = kinds.flatMap((kind) =>
  (Object.keys(moves) as Move[]).filter((move) => legal[move] !== kind).map((move) => [move, kind] as const),
)

describe('a connection', () => {
  it.each(illegalMoves)(
    '%s does nothing while it is %s, so that no late answer revives it',
    async (move, kind) => {
      const { connection, clock } = await openAs(kind)
      const before = [connection.kind, connection.user, connection.identity, clock.pendingTimers]
      const nothing = {
        startConnecting: false,
        connected: [],
        hold: undefined,
        refused: undefined,
        renew: undefined,
      }
      expect(moves[move](connection)).toEqual(nothing[move])
      expect([connection.kind, connection.user, connection.identity, clock.pendingTimers]).toEqual(before)
    },
  )

  it('is where a table of its states says, with that state’s timers and no others, after any calls (N2)', async () => {
    const calls = fc.array(fc.constantFrom(...(Object.keys(moves) as Move[]), 'closed' as const), {
      maxLength: 12,
      size: 'max',
    })
    await fc.assert(
      fc.asyncProperty(calls, async (sequence) => {
        const { connection, clock } = await open()
        const next: Partial<Record<string, Kind>> = {
          'awaiting startConnecting': 'connecting',
          'connecting connected': 'connected',
          'connecting refused': 'refused',
        }
        let expected: Kind = 'awaiting'
        let timers = 1
        for (const call of sequence) {
          if (call === 'closed') connection.closed()
          else moves[call](connection)
          if (expected === 'connected' && call === 'renew') timers = 1
          else if (expected === 'connecting' && call === 'connected') timers = 0
          else if (call === 'closed') timers = 0
          expected = call === 'closed' ? 'closed' : (next[`${expected} ${call}`] ?? expected)
          expect([connection.kind, clock.pendingTimers]).toEqual([expected, timers])
        }
        connection.closed()
        expect(clock.pendingTimers).toBe(0)
      }),
    )
  })

  it.each(['awaiting', 'connecting', 'refused'] as const)(
    'is closed as stale while %s, because it holds a place and says nothing of itself',
    async (kind) => {
      const { connection, clock, client } = await openAs(kind)
      clock.advance(staleCloseMs - 1)
      expect(connection.socket.isOpen).toBe(true)
      clock.advance(1)
      expect(connection.kind).toBe('closed')
      expect(await client.closedWith).toEqual(Disconnects.stale)
    },
  )

  it('is not stale once it said who it is: the timer ended with the state that it was for', async () => {
    const { connection, clock } = await openAs('connected')
    clock.advance(staleCloseMs * 10)
    expect(connection.isConnected).toBe(true)
  })

  it('gives back in order what came before it was connected, and no more than it may hold (N1)', async () => {
    const { connection } = await openAs('connecting')
    expect([1, 2, 3].map((id) => connection.hold(publish(id), 2))).toEqual(['held', 'held', 'full'])
    expect(connection.connected(ana).map(({ id }) => id)).toEqual([1, 2])
  })

  it('expires by its newest token alone, so that a refresh is worth something', async () => {
    const { connection, clock } = await openAs('connected')
    const expired: string[] = []
    connection.renew(ana, () => expired.push('first'), 1_000)
    connection.renew(ana, () => expired.push('second'), 2_000)
    clock.advance(1_999)
    expect(expired).toEqual([])
    clock.advance(1)
    expect(expired).toEqual(['second'])
    connection.renew(ana, () => expired.push('third'), 2_000)
    connection.renew(ana, () => expired.push('never'), undefined)
    expect(clock.pendingTimers).toBe(0)
  })

  it('swallows what is said to it after the end, because commands may still be running (N3)', async () => {
    const { connection, client } = await openAs('connected')
    connection.disconnect(Disconnects.shutdown)
    connection.reply({ id: 1, publish: {} })
    connection.push({ channel: 'news', unsubscribe: { code: 2000, reason: '' } })
    connection.disconnect(Disconnects.stale)
    expect(await client.closedWith).toEqual(Disconnects.shutdown)
    expect(client.messages).toEqual([])
    expect([connection.kind, connection.user, connection.identity]).toEqual(['closed', '', undefined])
  })

  describe('what it is told in a turn', () => {
    /** The turn ends, and what was written arrives. */
    const turn = async (): Promise<void> => {
      for (let i = 0; i < 3; i += 1) await new Promise(setImmediate)
    }
    const ids = (frame: unknown): number[] =>
      String(frame)
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: number }).id)

    it('[2.13] leaves in one frame and in order, because a write costs more than a reply', async () => {
      const { connection, client } = await openAs('connected')
      for (const id of [1, 2, 3]) connection.reply({ id, publish: {} })
      expect(client.messages).toEqual([])
      await turn()
      expect(client.messages.map(ids)).toEqual([[1, 2, 3]])
      connection.reply({ id: 4, publish: {} })
      await turn()
      expect(client.messages.map(ids)).toEqual([[1, 2, 3], [4]])
    })

    it('leaves before anything of a topic that it joins then: a reply comes before the channel that it speaks of (N4)', async () => {
      const { connection, client, server } = await openAs('connected')
      connection.reply({ id: 1, subscribe: {} })
      connection.join('topic')
      server.publish('topic', '{"push":1}')
      connection.reply({ id: 2, publish: {} })
      await turn()
      expect(client.messages).toEqual(['{"id":1,"subscribe":{}}', '{"push":1}', '{"id":2,"publish":{}}'])
    })

    it('leaves before the end, so that an acknowledgement is not lost with the connection (N4)', async () => {
      const { connection, client } = await openAs('connected')
      connection.reply({ id: 1, publish: {} })
      connection.disconnect(Disconnects.shutdown)
      expect(await client.closedWith).toEqual(Disconnects.shutdown)
      expect(client.messages.map(ids)).toEqual([[1]])
    })

    it('[2.13] is at most 16 messages and 64 KiB a frame, and none is lost at the border', async () => {
      const { connection, client } = await openAs('connected')
      const many = Array.from({ length: 40 }, (_, i) => i + 1)
      for (const id of many) connection.reply({ id, publish: {} })
      await turn()
      expect(client.messages.map((frame) => ids(frame).length)).toEqual([16, 16, 8])
      expect(client.messages.flatMap(ids)).toEqual(many)
      client.messages.length = 0
      const big = { data: Buffer.from(`"${'x'.repeat(40_000)}"`) }
      for (const id of [1, 2, 3]) connection.reply({ id, rpc: big })
      connection.reply({ id: 4, rpc: { data: Buffer.from(`"${'x'.repeat(100_000)}"`) } })
      connection.reply({ id: 5, publish: {} })
      await turn()
      expect(client.messages.map(ids)).toEqual([[1], [2], [3], [4], [5]])
    })

    it('is dropped in silence where the connection has gone', async () => {
      const { connection, client } = await openAs('connected')
      connection.reply({ id: 1, publish: {} })
      connection.closed()
      await turn()
      expect(client.messages).toEqual([])
    })
  })
})
