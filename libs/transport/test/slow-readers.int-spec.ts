/**
 * Readers that stop at random, of random mixes of frames, and read on at random moments: what one sees has no hole, whatever its
 * server lost. Set `SEED` to run one of them again.
 */
import { MisbehavingPeer, seededRandom } from '@natter/testing'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createUwsServer, type Socket, type SocketServer } from '../src/index.js'

const stalls = 240
const stallsAtOnce = 12
const big = 16_384
/** More than kernel, limit and respites take. */
const moreThanFitsBytes = 128_000_000

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Close {
  code: number
  reason: string
}

interface Reader {
  peer: MisbehavingPeer
  socket: Socket<Reader | undefined>
  /** Told to the socket's owner. */
  closes: Close[]
}

describe('uws: readers that stop', () => {
  const firstSeed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9))
  let servers: SocketServer<Reader | undefined>[] = []
  let readers: Reader[] = []

  beforeEach(() => {
    servers = []
    readers = []
  })

  afterEach(() => {
    for (const { peer } of readers) peer.destroy()
    for (const server of servers) server.close()
  })

  const listen = async (maxQueueBytes: number) => {
    const opened: Socket<Reader | undefined>[] = []
    const server = createUwsServer<Reader | undefined>(
      { host: '127.0.0.1', port: 0, maxQueueBytes },
      {
        onUpgrade: () => ({ accept: true }),
        onOpen: (socket) => void opened.push(socket),
        onMessage: () => {},
        onDrain: () => {},
        onClose: (socket, code, reason) => void socket.context?.closes.push({ code, reason }),
      },
    )
    servers.push(server)
    const port = await server.listen()
    const open = async (): Promise<Reader> => {
      const peer = await MisbehavingPeer.connect({ port })
      const socket = opened.pop()
      if (socket === undefined) throw new Error('no socket was opened')
      const reader: Reader = { peer, socket, closes: [] }
      socket.context = reader
      readers.push(reader)
      return reader
    }
    return { server, open }
  }

  const numbersOf = ({ peer }: Reader): number[] =>
    peer.messages.map((message) => Number.parseInt(String(message), 10))

  const isCounting = (numbers: readonly number[]): boolean => numbers.every((n, index) => n === index + 1)

  /** Fills the reader, with a few respites, until the server gives it up. */
  async function stall(
    server: SocketServer<Reader | undefined>,
    { peer, socket }: Reader,
    random: () => number,
  ): Promise<void> {
    const bigShare = random() * 0.6
    const sendShare = random() * 0.5
    const smallBytes = 100 + Math.ceil(random() ** 2 * (big - 200))
    let respites = random() < 0.3 ? 5 : 0
    let count = 0
    for (let writtenBytes = 0; socket.isOpen && writtenBytes < moreThanFitsBytes;) {
      for (let inTurn = Math.ceil(random() * 60); inTurn > 0; inTurn -= 1) {
        const bytes = random() < bigShare ? big + Math.floor(random() * 40_000) : smallBytes
        count += 1
        writtenBytes += bytes
        const frame = `${count} ${'.'.repeat(Math.max(0, bytes - 8))}`
        if (random() < sendShare) socket.send(frame)
        else server.publish('room', frame)
      }
      if (respites > 0 && random() < 0.1) {
        respites -= 1
        peer.resume()
      } else peer.pause()
      await turn()
    }
  }

  it(`over ${stalls} random stalls, what a reader saw has no hole and ends with its connection (SEED=${firstSeed})`, async () => {
    const runOne = async (seed: number): Promise<Close> => {
      const random = seededRandom(seed)
      const { server, open } = await listen(2_048 + Math.floor(random() ** 2 * 600_000))
      const reader = await open()
      reader.socket.join('room')
      await stall(server, reader, random)
      for (let idle = Math.floor(random() * 4); idle > 0; idle -= 1) await turn()
      reader.peer.resume()
      for (let late = 0; late < 3; late += 1) {
        server.publish('room', `${-1} ${'.'.repeat(late * 10_000)}`)
        reader.socket.send('-1')
        await turn()
      }
      const close = await reader.peer.closed
      expect({ seed, isCounting: isCounting(numbersOf(reader)) }).toEqual({ seed, isCounting: true })
      expect({ seed, closes: reader.closes }).toEqual({ seed, closes: [{ code: 3008, reason: 'slow' }] })
      server.close()
      return close
    }
    const closes: Close[] = []
    for (let seed = firstSeed; seed < firstSeed + stalls; seed += stallsAtOnce) {
      const batch = Array.from({ length: stallsAtOnce }, (_, index) => runOne(seed + index))
      closes.push(...(await Promise.all(batch)))
    }
    expect(closes.filter(({ code }) => code !== 3008 && code !== 1006)).toEqual([])
    // the law is empty if nobody ever reads as far as a hole could be
    expect(closes.filter(({ code }) => code === 3008).length).toBeGreaterThan(stalls / 10)
  }, 120_000)

  /** Fills a stalled reader to just below its limit: `room` bytes are left. */
  async function fill({ socket, peer }: Reader, maxQueueBytes: number, room: number): Promise<number> {
    peer.pause()
    let count = 0
    const next = (bytes: number): string => `${(count += 1)} ${'.'.repeat(Math.max(0, bytes - 10))}`
    while (socket.bufferedBytes === 0) {
      socket.send(next(50_000))
      await turn()
    }
    for (;;) {
      const left = maxQueueBytes - room - socket.bufferedBytes
      if (left <= 20) return count
      socket.send(next(Math.min(left, 10_000)))
    }
  }

  it('a big publication right after small ones that did not all fit never follows the hole', async () => {
    const maxQueueBytes = 262_144
    const { server, open } = await listen(maxQueueBytes)
    const reader = await open()
    reader.socket.join('room')
    let count = await fill(reader, maxQueueBytes, 5_000)
    for (let i = 0; i < 4; i += 1) server.publish('room', `${(count += 1)} ${'.'.repeat(4_000)}`)
    server.publish('room', `${(count += 1)} ${'.'.repeat(big)}`)
    expect(reader.socket.isOpen).toBe(false)
    reader.peer.resume()
    expect(await reader.peer.closed).toEqual({ code: 3008, reason: 'slow' })
    const numbers = numbersOf(reader)
    expect(numbers).toEqual(numbers.map((_, index) => index + 1))
    expect(numbers.length).toBeLessThan(count)
  })

  it('a big publication costs nobody its connection who loses nothing: not who has room, nor who is over the limit elsewhere', async () => {
    const maxQueueBytes = 262_144
    const { server, open } = await listen(maxQueueBytes)
    const [near, over, reading] = [await open(), await open(), await open()]
    near.socket.join('room')
    over.socket.join('elsewhere')
    reading.socket.join('room')
    const before = await fill(near, maxQueueBytes, 60_000)
    let overCount = await fill(over, maxQueueBytes, 0)
    over.socket.send(`${(overCount += 1)} ${'.'.repeat(maxQueueBytes)}`)
    for (let i = 1; i <= 4; i += 1) server.publish('room', `${before + i} ${'.'.repeat(4_000)}`)
    server.publish('room', `${before + 5} ${'.'.repeat(20_000)}`)
    for (const { peer } of [near, over]) peer.resume()
    await Promise.all([
      near.peer.received(before + 5),
      over.peer.received(overCount),
      reading.peer.received(5),
    ])
    expect([near, over, reading].map(({ socket }) => socket.isOpen)).toEqual([true, true, true])
    expect([near, over].map((reader) => isCounting(numbersOf(reader)))).toEqual([true, true])
  })
})
