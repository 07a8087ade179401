import { beforeEach, describe, expect, it } from '@jest/globals'
import { namespaceSchema, resolveNamespace, type Namespace } from '@natter/auth'
import { encodeMeta, MemoryBroker, MemoryMesh } from '@natter/broker'
import { ManualClock } from '@natter/testing'
import fc from 'fast-check'
import { z } from 'zod'
import { History, type HistoryQuery } from './history.js'

const schema = namespaceSchema({ duration: z.number() })
const namespace = (options: object): Namespace =>
  resolveNamespace('room', schema.parse({ keep: 'stream', ...options }))

const meta = encodeMeta({ kind: 'json' })

/** No channel is open on this node: everything is read from the log. */
const noChannels = { find: () => undefined }

class Bench {
  readonly mesh = new MemoryMesh()
  readonly broker = new MemoryBroker(this.mesh)
  readonly clock = new ManualClock(Date.now())
  readonly history = new History(this.broker, noChannels, this.clock)

  async publish(...data: (number | string)[]): Promise<number[]> {
    const seqs: number[] = []
    for (const item of data) {
      const { subject } = this.broker.route('room', 'room:a')
      const { seq } = await this.broker.log.append(subject, Buffer.from(JSON.stringify(item)), { meta })
      seqs.push(seq)
    }
    return seqs
  }

  async read(options: object, query: Partial<HistoryQuery> = {}) {
    const all = { limit: 1_000, isReverse: false, ...query }
    const result = await this.history.read('room:a', namespace(options), all)
    if (result === 'other-epoch') throw new Error('other epoch')
    return result
  }

  async data(options: object, query: Partial<HistoryQuery> = {}): Promise<unknown[]> {
    const { publications } = await this.read(options, query)
    return publications.map(({ data }) => JSON.parse(Buffer.from(data ?? []).toString('utf8')) as unknown)
  }
}

describe('history', () => {
  let bench: Bench
  beforeEach(() => {
    bench = new Bench()
  })

  it('history_ttl hides what is older, in both directions and behind a position', async () => {
    const [first] = await bench.publish('old', 'older than it seems')
    const { stream } = bench.broker.route('room', 'room:a')
    // a second passes, by the clock that this node compares with
    bench.clock.advance(1_000)
    expect(await bench.data({ history_ttl: 60_000 })).toEqual(['old', 'older than it seems'])
    bench.clock.advance(60_000)
    const epoch = bench.broker.epochOf(stream)
    const since = { offset: (first ?? 0) - 1, epoch }
    for (const query of [{}, { isReverse: true }, { since }])
      expect(await bench.data({ history_ttl: 60_000 }, query)).toEqual([])
    expect(await bench.data({})).toHaveLength(2)
  })

  it('history_size hides all but the newest, in both directions and behind a position', async () => {
    const seqs = await bench.publish(1, 2, 3, 4, 5)
    expect(await bench.data({ history_size: 2 })).toEqual([4, 5])
    expect(await bench.data({ history_size: 2 }, { isReverse: true })).toEqual([5, 4])
    const { stream } = bench.broker.route('room', 'room:a')
    const since = { offset: seqs[0] ?? 0, epoch: bench.broker.epochOf(stream) }
    expect(await bench.data({ history_size: 2 }, { since })).toEqual([4, 5])
    const newest = { offset: seqs[4] ?? 0, epoch: since.epoch }
    expect(await bench.data({ history_size: 2 }, { since: newest, isReverse: true })).toEqual([4])
  })

  it('a page is cut where it is full of bytes, and the next one goes on right behind it', async () => {
    const big = 'x'.repeat(200_000)
    const seqs = await bench.publish(big, big, big, big, big)
    const epoch = bench.broker.epochOf(bench.broker.route('room', 'room:a').stream)
    const seen: number[] = []
    for (let since = 0; ; since = seen.at(-1) ?? 0) {
      const { publications } = await bench.read({}, { since: { offset: since, epoch } })
      expect(publications.length).toBeLessThan(4)
      if (publications.length === 0) break
      seen.push(...publications.map(({ offset }) => offset ?? 0))
    }
    expect(seen).toEqual(seqs)
  })

  it('limit 0 answers the position alone, with the epoch it belongs to', async () => {
    const seqs = await bench.publish(1, 2)
    const { publications, offset, epoch } = await bench.read({}, { limit: 0 })
    expect([publications, offset]).toEqual([[], seqs[1]])
    expect(epoch).toBe(bench.broker.route('room', 'room:a').epoch)
  })

  it('a position of another numbering reads nothing of this one', async () => {
    await bench.publish(1)
    const since = { offset: 0, epoch: 'elsewhere' }
    const query = { limit: 10, isReverse: false, since }
    expect(await bench.history.read('room:a', namespace({}), query)).toBe('other-epoch')
  })

  it('numbered anew while it was read: refused, because the answer would mix two numberings', async () => {
    await bench.publish(1, 2)
    const { stream, epoch } = bench.broker.route('room', 'room:a')
    const read = bench.read({})
    bench.mesh.renewEpoch(stream, epoch)
    await expect(read).rejects.toMatchObject({ code: 'epoch-changed' })
  })

  it('any page of any bounded history is a run without holes of what may be read', async () => {
    const query = fc.record({
      size: fc.integer({ min: 0, max: 12 }),
      limit: fc.integer({ min: 1, max: 12 }),
      isReverse: fc.boolean(),
      since: fc.option(fc.integer({ min: 0, max: 24 }), { nil: undefined }),
      count: fc.integer({ min: 0, max: 12 }),
    })
    await fc.assert(
      fc.asyncProperty(query, async ({ size, limit, isReverse, since, count }) => {
        const own = new Bench()
        const seqs: number[] = []
        for (let i = 0; i < count; i += 1) {
          seqs.push(...(await own.publish(i)))
          const other = own.broker.route('room', 'room:b').subject
          await own.broker.log.append(other, Buffer.from('0'), { meta })
        }
        const { epoch } = own.broker.route('room', 'room:a')
        const position = since === undefined ? {} : { since: { offset: since, epoch } }
        const { publications } = await own.read({ history_size: size }, { limit, isReverse, ...position })
        const readable = size === 0 ? seqs : seqs.slice(-size)
        const wanted = isReverse
          ? readable.filter((seq) => since === undefined || seq < since).toReversed()
          : readable.filter((seq) => since === undefined || seq > since)
        expect(publications.map(({ offset }) => offset)).toEqual(wanted.slice(0, limit))
      }),
      { numRuns: 200 },
    )
  })
})
