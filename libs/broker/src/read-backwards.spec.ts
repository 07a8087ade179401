import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Log, StoredMessage } from './broker.js'
import { readBackwards } from './read-backwards.js'

const source = { stream: 'S', subject: 's', firstSeq: 1 }

function logOf(seqs: readonly number[]): { read: Log['read']; counts: { reads: number; messages: number } } {
  const counts = { reads: 0, messages: 0 }
  const read: Log['read'] = (_stream, _subject, { from, to, limit }) => {
    const all = seqs.filter((seq) => seq >= from && seq <= to)
    const messages = all.slice(0, limit).map(toMessage)
    counts.reads += 1
    counts.messages += messages.length
    return Promise.resolve({ messages, isComplete: all.length <= limit })
  }
  return { read, counts }
}

function toMessage(seq: number): StoredMessage {
  return { seq, timeNs: 0n, body: new Uint8Array(10), meta: undefined }
}

describe('reading backwards', () => {
  it('gives the newest up to the position, descending, wherever they lie', async () => {
    const seqs = fc.uniqueArray(fc.integer({ min: 1, max: 3_000 }), { maxLength: 1_500, size: 'max' })
    await fc.assert(
      fc.asyncProperty(seqs, fc.nat(4_000), fc.integer({ min: 1, max: 60 }), async (some, to, count) => {
        const sorted = some.toSorted((a, b) => a - b)
        const found = await readBackwards(logOf(sorted).read, source, to, { count, bytes: 1_000_000 })
        const wanted = sorted.filter((seq) => seq <= to).toReversed()
        expect(found.map(({ seq }) => seq)).toEqual(wanted.slice(0, count))
      }),
    )
  })

  it('an empty stretch of ten million costs some probes, and a dense zone behind it some pages: never a scan', async () => {
    const dense = Array.from({ length: 20_000 }, (_, i) => i + 1)
    const { read, counts } = logOf(dense)
    const found = await readBackwards(read, source, 10_000_000, { count: 50, bytes: 1_000_000 })
    expect(found.map(({ seq }) => seq)).toEqual(dense.slice(-50).toReversed())
    expect(counts.reads).toBeLessThan(60)
    expect(counts.messages).toBeLessThan(10_000)
  })

  it('takes one message even when it is larger than the bytes allowed, and no second', async () => {
    const found = await readBackwards(logOf([1, 2, 3]).read, source, 3, { count: 9, bytes: 1 })
    expect(found.map(({ seq }) => seq)).toEqual([3])
  })
})
