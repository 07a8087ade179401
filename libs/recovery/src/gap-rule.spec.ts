import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { ModelLog } from '../test/model-log.js'
import { judge } from './gap-rule.js'

describe('the gap rule', () => {
  it.each([
    ['duplicate', 5, 5, 3],
    ['duplicate', 5, 4, 9],
    ['next', 5, 9, 5],
    ['next', 5, 9, 3], // older ones were removed
    ['next', 5, 9, 0], // none is kept, or the channel opened at the top of the stream
    ['next', 0, 1, 0],
    ['gap', 5, 9, 6],
    ['gap', 0, 9, 6],
  ] as const)('%s: at %i comes %i after %i', (verdict, last, seq, prev) => {
    expect(judge(last, { seq, prev })).toBe(verdict)
  })

  it('says next exactly when no message of the channel lies between the position and the one that came', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(3), { minLength: 1 }),
        fc.nat(40),
        fc.nat(),
        fc.nat(),
        (others, position, pick, kept) => {
          const log = new ModelLog()
          for (const n of others) log.append(n)
          const message = log.messages[pick % log.messages.length]
          if (message === undefined) return
          const { seq } = message
          const predecessors = log.seqs(0, seq - 1)
          const between = log.seqs(position, seq - 1)
          const verdict = judge(position, message)
          expect(verdict).toBe(seq <= position ? 'duplicate' : between.length > 0 ? 'gap' : 'next')
          // whatever below the position was removed before the message was stored changes nothing
          const below = predecessors.filter((older) => older <= position)
          const prev = between.at(-1) ?? below[kept % (below.length + 1)] ?? 0
          expect(judge(position, { seq, prev })).toBe(verdict)
        },
      ),
    )
  })
})
