/**
 * What every archive must keep. Run it with a factory: `describeArchive('mine', open)`, where `open` gives two processes' archives
 * over one fresh store and a way to cut a writer's connection.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type {
  Archive,
  ArchiveBatch,
  ArchiveGap,
  ArchiveQuery,
  ArchiveRow,
  ArchiveWriter,
  Checkpoint,
  Publication,
} from '@natter/archive'

export interface ArchivePair {
  a: Archive
  b: Archive
  /** Ends the connection of the stream's writer from the other side. Resolves when the store has let go of it. */
  cut(stream: string): Promise<void>
  close(): Promise<void>
}

export const noon = Date.UTC(2026, 10, 21, 12)
const dayMs = 86_400_000
const stream = 'natter-s-0'

export function row(seq: number, over: Partial<ArchiveRow> = {}): ArchiveRow {
  const data = Buffer.from(`{"n":${seq}}`)
  const timeNs = BigInt(noon) * 1_000_000n + BigInt(seq)
  return { seq, timeNs, namespace: 'chat', channel: 'chat:room', kind: 'json', data, meta: '', ...over }
}

/** The checkpoint at `seq`; any function of the sequence will do. */
export const at = (seq: number, epoch = 'e1'): Checkpoint =>
  seq === 0
    ? { epoch, seq, timeNs: 0n, digest: '', rolling: 0 }
    : {
        epoch,
        seq,
        timeNs: BigInt(noon) * 1_000_000n + BigInt(seq),
        digest: `d${seq}`,
        rolling: 4_000_000_000 + seq,
      }

export const batch = (
  from: number,
  to: number,
  rows: ArchiveRow[],
  gaps: ArchiveGap[] = [],
): ArchiveBatch => ({
  after: at(from),
  next: at(to),
  rows,
  gaps,
})

export const everything: ArchiveQuery = {
  namespace: 'chat',
  channel: 'chat:room',
  stream,
  epoch: 'e1',
  after: 0,
  upTo: Number.MAX_SAFE_INTEGER,
  direction: 'forward',
  limit: 10_000,
  maxBytes: 100_000_000,
}

/** Bodies that stores are known to refuse, rewrite or blow up. */
export const hostileBodies: Record<string, Uint8Array> = {
  'an escaped NUL': Buffer.from(String.raw`{"a":"\u0000"}`),
  'a lone surrogate': Buffer.from(String.raw`"\ud800"`),
  'a number that is too big': Buffer.from('1e400000'),
  'a number that grows': Buffer.from('1e131071'),
  '20,000 nested arrays': Buffer.from('['.repeat(20_000) + ']'.repeat(20_000)),
  'duplicate keys, spaces and an odd number': Buffer.from('{ "b" : 1E2,\t"a":2 , "b":-0.0 }\r\n '),
  nothing: new Uint8Array(),
  'every byte': Uint8Array.from({ length: 256 }, (_, byte) => byte),
  'broken UTF-8': Uint8Array.of(0xff, 0xfe, 0xc0, 0x80),
  'what ends a COPY': Buffer.from('\\.\n\\N\t\xff\xff', 'latin1'),
  '1 MiB': Buffer.alloc(1_048_576, 0xa5),
}

const seqs = (publications: readonly Publication[]): number[] => publications.map(({ seq }) => seq)
const plain = ({ json: _json, ...publication }: ArchiveRow): Publication => ({
  ...publication,
  data: Buffer.from(publication.data),
})
const asBuffers = (publications: readonly Publication[]): Publication[] =>
  publications.map((publication) => ({ ...publication, data: Buffer.from(publication.data) }))

export function describeArchive(name: string, open: () => Promise<ArchivePair>): void {
  describe(`archive contract: ${name}`, () => {
    let pair: ArchivePair
    let a: Archive
    let b: Archive
    let writer: ArchiveWriter

    const acquired = async (archive: Archive): Promise<ArchiveWriter> => {
      const held = await archive.acquire(stream)
      if (held === undefined) throw new Error('somebody holds the right')
      return held
    }

    beforeEach(async () => {
      pair = await open()
      ;({ a, b } = pair)
      await a.migrate()
      writer = await acquired(a)
      await writer.beginEpoch('e1', undefined, false)
    }, 60_000)

    afterEach(() => pair.close())

    describe('batches', () => {
      it('AR2: everything comes back byte for byte, for the bytes are the truth', async () => {
        const bodies = Object.values(hostileBodies)
        const metas = [
          '',
          '{"user":"a"}',
          Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join(''),
        ]
        const rows = bodies.map((data, index) =>
          row(index + 1, { data, kind: index % 2 === 0 ? 'json' : 'bin', meta: metas[index % 3] ?? '' }),
        )
        expect(await writer.write(batch(0, rows.length, rows))).toEqual({
          archived: rows.length,
          deadLetters: [],
        })
        const { publications } = await b.read(everything)
        expect(asBuffers(publications)).toEqual(rows.map(plain))
      })

      it('names of channels and namespaces may hold quotes, spaces and any letters', async () => {
        for (const [index, namespace] of ['', `it's`, 'a"b\\c', 'Ünï', '; drop table'].entries()) {
          const channel = `${namespace}:$ö"'\\ 漢字`
          await writer.write(batch(index, index + 1, [row(index + 1, { namespace, channel })]))
          const { publications } = await b.read({ ...everything, namespace, channel })
          expect(seqs(publications)).toEqual([index + 1])
        }
      })

      it('a batch without rows moves the checkpoint: messages may all have been skipped', async () => {
        expect(await writer.write(batch(0, 7, []))).toEqual({ archived: 0, deadLetters: [] })
        expect(await writer.checkpoint()).toEqual(at(7))
      })

      it('AR1: a batch that stands on another checkpoint writes nothing at all', async () => {
        await writer.write(batch(0, 2, [row(1), row(2)]))
        const stale: ArchiveBatch[] = [
          batch(0, 3, [row(3)], [{ from: 1, to: 1, reason: 'evicted' }]),
          { ...batch(2, 3, [row(3)]), after: { ...at(2), rolling: 5 } },
          { after: at(2, 'e2'), next: at(3, 'e2'), rows: [row(3)], gaps: [] },
        ]
        for (const each of stale) {
          await expect(writer.write(each)).rejects.toMatchObject({
            name: 'InternalError',
            code: 'archive-overtaken',
          })
        }
        expect(await writer.checkpoint()).toEqual(at(2))
        expect(await b.read(everything)).toMatchObject({ gaps: [], checkpointSeq: 2 })
        expect(seqs((await b.read(everything)).publications)).toEqual([1, 2])
        await writer.write(batch(2, 3, [row(3)]))
      })

      it('rows out of order are refused as the bug they are', async () => {
        for (const rows of [[row(2), row(1)], [row(1), row(1)], [row(4)]]) {
          await expect(writer.write(batch(0, 3, rows))).rejects.toMatchObject({ code: 'archive-bad-batch' })
        }
        expect(await writer.checkpoint()).toEqual(at(0))
      })

      it('AR3: a row the store refuses becomes a dead letter, the others are archived, the checkpoint moves', async () => {
        const poisoned = 'chat:\0room'
        const rows = Array.from({ length: 20 }, (_, index) =>
          row(index + 1, index % 7 === 3 ? { channel: poisoned } : {}),
        )
        const report = await writer.write(batch(0, 20, rows))
        expect(report.archived).toBe(17)
        expect(report.deadLetters.map(({ seq }) => seq)).toEqual([4, 11, 18])
        expect(await writer.checkpoint()).toEqual(at(20))
        expect((await b.read(everything)).publications).toHaveLength(17)
        const dead = await b.read({ ...everything, channel: poisoned })
        expect(asBuffers(dead.publications)).toEqual(
          rows.filter(({ channel }) => channel === poisoned).map(plain),
        )
      })

      it('AR3: a time or namespace that nothing can be filed under is a dead letter too', async () => {
        const rows = [
          row(1, { timeNs: -1n }),
          row(2, { timeNs: 2n ** 63n }),
          row(3, { namespace: 'a\0b' }),
          row(4),
        ]
        const report = await writer.write(batch(0, 4, rows))
        expect(report.deadLetters.map(({ seq }) => seq)).toEqual([1, 2, 3])
        expect(seqs((await b.read(everything)).publications)).toEqual([1, 2, 4])
      })
    })

    describe('the right to write', () => {
      it('AR4: one writer of a stream at a time; others of other streams', async () => {
        expect(await b.acquire(stream)).toBeUndefined()
        expect(await a.acquire(stream)).toBeUndefined()
        const other = await b.acquire('natter-s-1')
        expect(other?.isHeld).toBe(true)
        await other?.release()
      })

      it('goes on with the next one after release, which may be called twice', async () => {
        await writer.release()
        await writer.release()
        expect(writer.isHeld).toBe(false)
        const next = await acquired(b)
        expect(await next.checkpoint()).toEqual(at(0))
        await expect(writer.write(batch(0, 1, [row(1)]))).rejects.toMatchObject({ code: 'archive-away' })
      })

      it('AR4: who lost the connection lost the right, and writes nothing more', async () => {
        await writer.write(batch(0, 1, [row(1)]))
        await pair.cut(stream)
        const next = await acquired(b)
        await expect(writer.write(batch(1, 2, [row(2)]))).rejects.toMatchObject({
          name: 'UnavailableError',
          code: 'archive-away',
        })
        expect(writer.isHeld).toBe(false)
        expect(await next.checkpoint()).toEqual(at(1))
        await next.write(batch(1, 3, [row(3)]))
        expect(seqs((await a.read(everything)).publications)).toEqual([1, 3])
      })

      it('writes wait for each other, so the second stands on the first', async () => {
        await Promise.all([writer.write(batch(0, 1, [row(1)])), writer.write(batch(1, 2, [row(2)]))])
        expect(await writer.checkpoint()).toEqual(at(2))
      })
    })

    describe('the mesh that owns it', () => {
      const longMs = 3_600_000

      beforeEach(() => writer.release())

      it('AR5: is the one that came first; who is another one is told so, and gets no right to write', async () => {
        expect(await b.acquire(stream, 'here')).toBeUndefined()
        expect(await a.claim('here', longMs)).toEqual({ isOwner: true })
        expect(await b.claim('here', longMs)).toEqual({ isOwner: true })
        const claim = await b.claim('there', longMs)
        expect(claim).toMatchObject({ isOwner: false, owner: 'here' })
        expect(await b.acquire(stream, 'there')).toBeUndefined()
        const mine = await a.acquire(stream, 'here')
        expect([mine?.isHeld, mine?.mesh]).toEqual([true, 'here'])
      })

      it('is another one when the owner was not seen for so long, and then the old one has no right any more', async () => {
        await a.claim('here', longMs)
        expect(await b.claim('there', 0)).toEqual({ isOwner: true })
        expect(await a.claim('here', longMs)).toMatchObject({ isOwner: false, owner: 'there' })
        expect(await a.acquire(stream, 'here')).toBeUndefined()
        expect((await b.acquire(stream, 'there'))?.isHeld).toBe(true)
      })

      it('AR5: keeps it while one of its writers is left, however long it was not seen', async () => {
        await a.claim('here', longMs)
        const mine = await a.acquire(stream, 'here')
        expect(await b.claim('there', 0)).toMatchObject({ isOwner: false, owner: 'here' })
        expect(await mine?.write(batch(0, 1, [row(1)]))).toMatchObject({ archived: 1 })
        await pair.cut(stream)
        expect(await b.claim('there', 0)).toEqual({ isOwner: true })
        await expect(mine?.write(batch(1, 2, [row(2)]))).rejects.toMatchObject({ code: 'archive-away' })
      })
    })

    describe('epochs', () => {
      it('begin at 0, and are read each by its own name', async () => {
        await writer.write(batch(0, 5, [row(5)]))
        expect(await writer.beginEpoch('e2', at(5), true)).toEqual(at(0, 'e2'))
        await writer.write({ after: at(0, 'e2'), next: at(1, 'e2'), rows: [row(1)], gaps: [] })
        expect(await b.read(everything)).toMatchObject({ checkpointSeq: 5, publications: [{ seq: 5 }] })
        expect(await b.read({ ...everything, epoch: 'e2' })).toMatchObject({
          checkpointSeq: 1,
          publications: [{ seq: 1 }],
        })
        expect(await b.read({ ...everything, epoch: 'e3' })).toEqual({
          publications: [],
          isComplete: true,
          checkpointSeq: 0,
          gaps: [],
        })
      })

      it('one that stands on another checkpoint is refused: somebody else is ahead', async () => {
        for (const after of [undefined, at(1), at(0, 'e0')]) {
          await expect(writer.beginEpoch('e2', after, true)).rejects.toMatchObject({
            code: 'archive-overtaken',
          })
        }
        expect(await writer.checkpoint()).toEqual(at(0))
      })

      it('one that comes back is not begun anew: its numbers have been given', async () => {
        await writer.beginEpoch('e2', at(0), true)
        await expect(writer.beginEpoch('e1', at(0, 'e2'), true)).rejects.toMatchObject({
          code: 'archive-epoch-returned',
        })
      })

      it('a closed one says where it stood, with all that proves it; the present one and unknown ones say nothing', async () => {
        await writer.write(batch(0, 5, [row(5)]))
        await writer.beginEpoch('e2', at(5), false)
        expect(await writer.closedCheckpoint('e1')).toEqual(at(5))
        expect(await writer.closedCheckpoint('e2')).toBeUndefined()
        expect(await writer.closedCheckpoint('e3')).toBeUndefined()
      })

      it('a closed one is reopened behind its checkpoint: nothing that is archived is archived again', async () => {
        await writer.write(batch(0, 5, [row(5)]))
        await writer.beginEpoch('e2', at(5), false)
        const next: ArchiveBatch = { after: at(0, 'e2'), next: at(3, 'e2'), rows: [row(3)], gaps: [] }
        await writer.write(next)
        expect(await writer.reopenEpoch(at(5), at(3, 'e2'), false)).toEqual(at(5))
        expect(await writer.checkpoint()).toEqual(at(5))
        await writer.write(batch(5, 7, [row(7)]))
        expect(await b.read(everything)).toMatchObject({
          checkpointSeq: 7,
          publications: [{ seq: 5 }, { seq: 7 }],
        })
        expect(await b.read({ ...everything, epoch: 'e2' })).toMatchObject({
          checkpointSeq: 3,
          publications: [{ seq: 3 }],
        })
        expect(await writer.closedCheckpoint('e1')).toBeUndefined()
        await writer.reopenEpoch(at(3, 'e2'), at(7), false) // and back again
        expect(await writer.checkpoint()).toEqual(at(3, 'e2'))
        expect(await writer.closedCheckpoint('e1')).toEqual(at(7))
      })

      it('who is overtaken reopens nothing: the stored checkpoints are what counts', async () => {
        await writer.write(batch(0, 5, [row(5)]))
        await writer.beginEpoch('e2', at(5), false)
        for (const [closed, after] of [
          [at(4), at(0, 'e2')],
          [at(5), at(1, 'e2')],
          [at(5), at(5)],
          [at(0, 'e3'), at(0, 'e2')],
          [at(0, 'e2'), at(0, 'e2')],
        ] as const) {
          await expect(writer.reopenEpoch(closed, after, false)).rejects.toMatchObject({
            code: 'archive-overtaken',
          })
        }
        expect(await writer.checkpoint()).toEqual(at(0, 'e2'))
        expect(await writer.closedCheckpoint('e1')).toEqual(at(5))
      })
    })

    describe('reading', () => {
      const ten = Array.from({ length: 10 }, (_, index) => row(index + 1, { data: Buffer.alloc(100, index) }))

      it('takes the range, the direction and the limit, and says whether that is all', async () => {
        await writer.write(batch(0, 10, ten))
        const read = async (over: Partial<ArchiveQuery>): Promise<[number[], boolean]> => {
          const { publications, isComplete } = await b.read({ ...everything, ...over })
          return [seqs(publications), isComplete]
        }
        expect(await read({ after: 3, upTo: 6 })).toEqual([[4, 5, 6], true])
        expect(await read({ limit: 2 })).toEqual([[1, 2], false])
        expect(await read({ limit: 2, direction: 'backward', upTo: 8 })).toEqual([[8, 7], false])
        expect(await read({ limit: 10 })).toEqual([seqs(ten), true])
        expect(await read({ limit: 0 })).toEqual([[], false])
        expect(await read({ maxBytes: 250 })).toEqual([[1, 2], false])
        expect(await read({ maxBytes: 1, direction: 'backward' })).toEqual([[10], false])
        expect(await read({ after: 9, maxBytes: 0 })).toEqual([[10], true])
        expect(await read({ after: 10 })).toEqual([[], true])
        expect(await read({ upTo: Infinity })).toEqual([seqs(ten), true])
      })

      it('knows one channel from another, also by namespace', async () => {
        const rows = [row(1), row(2, { channel: 'chat:other' }), row(3, { namespace: 'x' })]
        await writer.write(batch(0, 3, rows))
        expect(seqs((await b.read(everything)).publications)).toEqual([1])
        expect(seqs((await b.read({ ...everything, namespace: 'x' })).publications)).toEqual([3])
      })

      it('order is the sequence, also where a clock was set back over midnight', async () => {
        const days = [0, 1, 0, 2, 1, 1, 3, 3, 2, 4]
        const rows = days.map((day, index) =>
          row(index + 1, { timeNs: BigInt(noon + day * dayMs) * 1_000_000n, data: Buffer.alloc(10) }),
        )
        await writer.write(batch(0, 10, rows))
        for (const [direction, order] of [
          ['forward', seqs(rows)],
          ['backward', seqs(rows).toReversed()],
        ] as const) {
          for (let limit = 1; limit <= 11; limit += 1) {
            const { publications, isComplete } = await b.read({ ...everything, direction, limit })
            expect(seqs(publications)).toEqual(order.slice(0, limit))
            expect(isComplete).toBe(limit >= 10)
          }
        }
      })

      it('dead letters stand in their place, within limit and bytes', async () => {
        const poisoned = 'chat:\0'
        const rows = ten.map(({ seq }) => row(seq, { channel: poisoned }))
        await writer.write(batch(0, 10, rows))
        const page = await b.read({ ...everything, channel: poisoned, direction: 'backward', limit: 3 })
        expect(seqs(page.publications)).toEqual([10, 9, 8])
        expect(page.isComplete).toBe(false)
      })

      it('tells the gaps of the range, cut to it, in order', async () => {
        const gaps: ArchiveGap[] = [
          { from: 8, to: 9, reason: 'rolled-back' },
          { from: 2, to: 4, reason: 'evicted' },
        ]
        await writer.write(batch(0, 10, [row(1), row(10)], gaps))
        expect((await b.read(everything)).gaps).toEqual([gaps[1], gaps[0]])
        expect((await b.read({ ...everything, after: 2, upTo: 8 })).gaps).toEqual([
          { from: 3, to: 4, reason: 'evicted' },
          { from: 8, to: 8, reason: 'rolled-back' },
        ])
        expect((await b.read({ ...everything, after: 4, upTo: 7 })).gaps).toEqual([])
      })
    })

    describe('forgetting', () => {
      it('removes whole days of one namespace, and readers are told what is missing', async () => {
        const on = (seq: number, day: number, namespace = 'chat'): ArchiveRow =>
          row(seq, { namespace, timeNs: BigInt(noon + day * dayMs) * 1_000_000n })
        await writer.write(batch(0, 5, [on(1, 0), on(2, 0, 'other'), on(3, 0), on(4, 1), on(5, 2)]))
        expect(await b.forget('chat', noon)).toBe(0)
        expect(await b.forget('chat', noon + dayMs)).toBe(1)
        expect(await b.forget('chat', noon + dayMs)).toBe(0)
        expect(await b.forget('unknown', noon + dayMs)).toBe(0)
        expect(await a.read(everything)).toMatchObject({
          publications: [{ seq: 4 }, { seq: 5 }],
          gaps: [{ from: 1, to: 3, reason: 'forgotten' }],
        })
        const other = await a.read({ ...everything, namespace: 'other' })
        expect(other).toMatchObject({ publications: [{ seq: 2 }], gaps: [] })
      })

      it('readers are told of dead letters that went, though nothing else was in their day', async () => {
        await writer.write(batch(0, 2, [row(1, { channel: 'chat:\0' }), row(2, { namespace: 'other' })]))
        await b.forget('other', noon + dayMs)
        await writer.write(batch(2, 3, [row(3, { timeNs: BigInt(noon + dayMs) * 1_000_000n })]))
        await b.forget('chat', noon + dayMs)
        const page = await a.read({ ...everything, channel: 'chat:\0' })
        expect(page).toMatchObject({ publications: [], gaps: [{ from: 1, to: 1, reason: 'forgotten' }] })
      })

      it('a day that was removed may come again, for backfill', async () => {
        await writer.write(batch(0, 1, [row(1)]))
        await b.forget('chat', noon + 9 * dayMs)
        expect(await writer.write(batch(1, 2, [row(2)]))).toEqual({ archived: 1, deadLetters: [] })
        expect(seqs((await b.read(everything)).publications)).toEqual([2])
      })
    })

    it('answers that nothing is wrong', async () => {
      expect(await a.problem()).toBeUndefined()
    })
  })
}
