import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from '@jest/globals'
import type { Command } from '@natter/protocol'
import fc from 'fast-check'
import { Inbox } from './inbox.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

describe('what a connection has waiting', () => {
  it('keeps no message whose turn has come, though another one always waits: a steady sender would fill the memory', async () => {
    const inbox = new Inbox()
    const handled: WeakRef<Uint8Array>[] = []
    const decode = (message: Uint8Array) => {
      handled.push(new WeakRef(message))
      return [{ id: handled.length, method: 'unknown' as const }]
    }
    inbox.push(new Uint8Array(1_024))
    for (let i = 0; i < 2_000; i += 1) {
      inbox.push(new Uint8Array(1_024))
      inbox.next(decode)
    }
    expect([inbox.waitingMessages, inbox.waitingBytes]).toEqual([1, 1_024])
    await new Promise(setImmediate) // a WeakRef holds its target until the turn ends
    collect()
    expect(handled.filter((one) => one.deref() !== undefined).length).toBeLessThan(2)
  })

  it('keeps no command that came out: who says nothing after it would keep its token as long as it stays', () => {
    const inbox = new Inbox()
    inbox.load([
      { id: 1, method: 'unknown' },
      { id: 2, method: 'unknown' },
    ])
    for (let i = 0; i < 2; i += 1) inbox.next(() => [])
    expect(inbox.isEmpty).toBe(true)
    expect(JSON.stringify(inbox)).not.toContain('unknown')
  })

  it('gives out everything once, in order, however much comes and goes meanwhile', () => {
    const inbox = new Inbox()
    const seen: (number | undefined)[] = []
    const decode = (message: Uint8Array) => [{ id: message.byteLength, method: 'unknown' as const }]
    let pushed = 0
    for (let round = 1; round <= 60; round += 1) {
      for (let i = 0; i < round % 37; i += 1) inbox.push(new Uint8Array((pushed += 1)))
      for (let i = 0; i < round % 23; i += 1) {
        const id = inbox.next(decode)?.id
        if (id !== undefined) seen.push(id)
      }
    }
    for (let command = inbox.next(decode); command !== undefined; command = inbox.next(decode)) {
      seen.push(command.id)
    }
    expect(seen).toEqual(Array.from({ length: pushed }, (_, index) => index + 1))
    expect([inbox.isEmpty, inbox.waitingBytes]).toEqual([true, 0])
  })
})

/** A message of so many commands: its bytes are their numbers. */
const commandsOf = (message: Uint8Array): readonly Command[] =>
  Array.from(message, (id) => ({ id, method: 'unknown' as const }))

describe('an inbox', () => {
  it('gives out what went in, once and in order, and counts what waits exactly: the bounds of a node go by it (B1)', () => {
    const step = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constant('next' as const))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const inbox = new Inbox()
        const waiting: number[][] = []
        let inWork: number[] = []
        let id = 0
        for (const one of steps) {
          if (one === 'next') {
            if (inWork.length === 0) inWork = waiting.shift() ?? []
            expect(inbox.next(commandsOf)?.id).toBe(inWork.shift())
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
    inbox.next(commandsOf)
    inbox.push(Uint8Array.of(3))
    inbox.clear()
    expect([inbox.isEmpty, inbox.waitingBytes, inbox.next(commandsOf)]).toEqual([true, 0, undefined])
  })
})
