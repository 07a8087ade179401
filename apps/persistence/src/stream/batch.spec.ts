import { describe, expect, it } from '@jest/globals'
import { Subjects, type StreamMessage } from '@natter/broker'
import fc from 'fast-check'
import { namespaces } from '../../test/harness.js'
import { batchOf } from './batch.js'
import { Selection } from './selection.js'
import { isAt } from './verdict.js'

const selection = new Selection(new Subjects('natter'), namespaces, () => {})
const fresh = { epoch: 'now', seq: 0, timeNs: 0n, digest: '', rolling: 0 }

const messagesOf = (bodies: readonly Uint8Array[]): StreamMessage[] =>
  bodies.map((body, i) => ({
    seq: i + 1,
    timeNs: BigInt(i + 1),
    body,
    meta: undefined,
    subject: 'natter.c.1.kept.a',
  }))

describe('the checkpoint behind a page', () => {
  it('is the same however the messages were cut into pages, stands at the last one and goes by all of them', () => {
    const bodies = fc.array(fc.uint8Array({ minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 12 })
    fc.assert(
      fc.property(bodies, fc.nat(), fc.nat(), (all, cut, changed) => {
        const messages = messagesOf(all)
        const at = 1 + (cut % (all.length - 1))
        const next = (after: typeof fresh, page: StreamMessage[]) =>
          batchOf({ after, messages: page, firstSeq: 1 }, selection, () => undefined).next
        const whole = next(fresh, messages)
        expect(next(next(fresh, messages.slice(0, at)), messages.slice(at))).toEqual(whole)
        expect(isAt(whole, messages.at(-1)!)).toBe(true)
        const others = all.map((body, i) =>
          i === changed % all.length ? body.map((byte) => byte ^ 1) : body,
        )
        expect(next(fresh, messagesOf(others)).rolling).not.toBe(whole.rolling)
      }),
    )
  })
})
