import { describe, expect, it } from '@jest/globals'
import type { Command } from '@natter/protocol'
import fc from 'fast-check'
import { Inbox } from './inbox.js'

/** A message of so many commands, numbered on from the last one: its bytes are their numbers. */
const decode = (message: Uint8Array): readonly Command[] =>
  Array.from(message, (id) => ({ id, method: 'ping' }) as unknown as Command)

describe('an inbox', () => {
  it('gives out what went in, once and in order, and counts what waits exactly: the bounds of a node go by it (B1)', () => {
    const step = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constant('next' as const))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const inbox = new Inbox()
        const waiting: number[][] = []
        let inWork: number[] = []
        let id = 0
        for (const one of steps) {
          if (one === 'next') {
            if (inWork.length === 0) inWork = waiting.shift() ?? []
            expect(inbox.next(decode)?.id).toBe(inWork.shift())
          } else {
            const message = Array.from({ length: one }, () => (id += 1))
            waiting.push(message)
            inbox.push(Uint8Array.from(message))
          }
          expect(inbox.waitingMessages).toBe(waiting.length)
          expect(inbox.waitingBytes).toBe(waiting.flat().length)
          expect(inbox.isEmpty).toBe(waiting.length + inWork.length === 0)
        }
      }),
    )
  })

  it('forgets also the commands in work when its connection ends', () => {
    const inbox = new Inbox()
    inbox.push(Uint8Array.of(1, 2))
    inbox.next(decode)
    inbox.push(Uint8Array.of(3))
    inbox.clear()
    expect([inbox.isEmpty, inbox.waitingBytes, inbox.next(decode)]).toEqual([true, 0, undefined])
  })
})
