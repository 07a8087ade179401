import { Disconnects, Errors } from '@natter/protocol'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Case, Conversation, Request, Told } from './case.js'
import { caseOf, everything } from './cases.js'
import { judge } from './judge.js'
import { Ledger } from './ledger.js'
import { owedFor } from './owed.js'
import type { Played } from './play.js'
import { readerFor } from './told.js'

const conversation: Conversation = {
  kind: 'conversation',
  carrier: 'websocket',
  encoding: 'json',
  head: 'GET / HTTP/1.1',
  steps: [],
}
const request: Request = {
  kind: 'request',
  head: 'GET / HTTP/1.1',
  body: Buffer.alloc(0),
  isWellFormed: true,
}
const caseWith = (what: Conversation | Request): Case => ({ number: 1, from: '127.0.2.1', what })

const good: Played = {
  status: 101,
  posts: [],
  told: [{ id: 1 }],
  unreadable: [],
  end: { kind: 'left' },
  tookMs: 1,
  inputs: 2,
  isDoomed: false,
  missing: [],
  uninvited: [],
}

const rulesOf = (over: Partial<Played>, what: Conversation | Request = conversation): string[] =>
  judge(caseWith(what), { ...good, ...over }).map(({ rule }) => rule)

describe('the judge of generated input', () => {
  it('finds nothing where every answer and every end is one of the protocol', () => {
    expect(rulesOf({})).toEqual([])
    for (const { code, reason } of Object.values(Disconnects))
      expect(rulesOf({ end: { kind: 'closed', code, reason } })).toEqual([])
    for (const { code, message, ...rest } of Object.values(Errors)) {
      const told: Told[] = [{ id: 1, error: { code, message, isTemporary: 'temporary' in rest } }]
      expect(rulesOf({ told })).toEqual([])
    }
  })

  it.each<[string, string, Partial<Played>]>([
    [
      'a code that nobody knows',
      'unknown-error',
      { told: [{ id: 1, error: { code: 99, message: 'x', isTemporary: false } }] },
    ],
    [
      'a text of another code',
      'unknown-error',
      { told: [{ id: 1, error: { code: 103, message: 'bad request', isTemporary: false } }] },
    ],
    [
      'a permanent error that says try again',
      'unknown-error',
      { told: [{ id: 1, error: { code: 103, message: 'permission denied', isTemporary: true } }] },
    ],
    ['an end without a word', 'unknown-disconnect', { end: { kind: 'closed', code: 1006, reason: '' } }],
    [
      'an end with a code that nobody knows',
      'unknown-disconnect',
      { end: { kind: 'closed', code: 3999, reason: 'x' } },
    ],
    [
      'an unsubscribe that nobody knows',
      'unknown-unsubscribe',
      { told: [{ id: 0, push: 'unsubscribe', code: 2499, reason: 'x' }] },
    ],
    ['an answer that nobody asked for', 'uninvited-answer', { uninvited: [7] }],
    ['a command without an answer', 'hung', { end: { kind: 'hung' }, missing: [2] }],
    ['what is no reply', 'unreadable', { unreadable: [''] }],
    ['a codec that throws what it may not', 'codec-fault', { fault: 'RangeError' }],
    ['a status that stands for a bug', 'unknown-status', { status: 502 }],
  ])('finds %s', (_what, rule, over) => {
    expect(rulesOf(over)).toContain(rule)
  })

  it('finds a request that gets no response', () => {
    expect(rulesOf({ status: undefined, told: [], end: { kind: 'hung' } }, request)).toEqual([
      'unanswered-request',
    ])
  })

  it('forgives a reset to those whose last words were lost under what they still sent', () => {
    const end = { kind: 'closed', code: 1006, reason: 'ECONNRESET' } as const
    expect(rulesOf({ end, isDoomed: true })).toEqual([])
    expect(rulesOf({ end })).toEqual(['unknown-disconnect'])
  })
})

describe('what a connection is owed', () => {
  it('is every answer once, also where an id is there twice', () => {
    const ledger = new Ledger()
    ledger.owe([1, 2, 2])
    ledger.answered(2)
    expect(ledger.missing).toEqual([1, 2])
    ledger.answered(1)
    expect(ledger.isSettled).toBe(false)
    ledger.answered(2)
    expect(ledger.isSettled).toBe(true)
    ledger.answered(2)
    expect(ledger.uninvited).toEqual([2])
  })

  it('is nothing for what was refused, and the end for what is not the protocol', () => {
    const ledger = new Ledger()
    const takeBack = ledger.owe([5])
    takeBack()
    expect(ledger.isSettled).toBe(true)
    ledger.owe('end')
    expect(ledger.isSettled).toBe(false)
    expect(owedFor('json', Buffer.from('{"id":3,"presence":{"channel":"a"}}\n{"id":4,"rpc":{}}'))).toEqual({
      kind: 'answers',
      ids: [3, 4],
      mayEnd: false,
    })
    expect(owedFor('json', Buffer.from('{'))).toEqual({ kind: 'end' })
    expect(owedFor('protobuf', Buffer.from([0x05, 0x08]))).toEqual({ kind: 'end' })
  })
})

describe('the cases', () => {
  const mix = everything

  it('are the same for the same seed and number, or a failure could not be had again', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(100_000), (seed, number) => {
        expect(caseOf(seed, number, mix)).toEqual(caseOf(seed, number, mix))
      }),
      { numRuns: 10 },
    )
  })

  it('are mostly let in and understood: behind the first check there is more to find', () => {
    const talks = Array.from({ length: 200 }, (_, number) => caseOf(1, number, mix).what).filter(
      (what) => what.kind === 'conversation',
    )
    const isRead = ({ encoding, steps }: Conversation): boolean =>
      steps.every((step) => step.kind !== 'message' || owedFor(encoding, step.bytes).kind === 'answers')
    expect(talks.filter(isRead).length).toBeGreaterThan(talks.length / 3)
  })
})

describe('the reader of what is said', () => {
  it.each(['http_stream', 'sse'] as const)('reads %s however it is cut', (carrier) => {
    const line = '{"id":1,"error":{"code":103,"message":"permission denied"}}'
    const text = carrier === 'sse' ? `\r\n\r\ndata: ${line}\n\ndata: {}\n\n` : `${line}\n{}\n`
    for (let cut = 0; cut <= text.length; cut += 1) {
      const odd: string[] = []
      const reader = readerFor(
        carrier,
        'json',
        (one) => odd.push(one),
        () => {},
      )
      const told = [
        ...reader.push(Buffer.from(text.slice(0, cut))),
        ...reader.push(Buffer.from(text.slice(cut))),
      ]
      expect(odd).toEqual([])
      expect(told.map(({ id, error }) => [id, error?.code])).toEqual([
        [1, 103],
        [0, undefined],
      ])
    }
  })
})
