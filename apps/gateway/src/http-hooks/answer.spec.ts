import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseAnswer } from './answer.js'
import type { HttpHookKind } from './http-hook.js'

const encoder = new TextEncoder()
const bytes = (value: unknown): Uint8Array =>
  encoder.encode(typeof value === 'string' ? value : JSON.stringify(value))
const b64 = (text: string): string => Buffer.from(text).toString('base64')

const kinds: HttpHookKind[] = ['connect', 'refresh', 'subscribe', 'publish', 'sub_refresh', 'rpc']

const read = (kind: HttpHookKind, value: unknown, canTakeBytes = true) =>
  parseAnswer(kind, bytes(value), { canTakeBytes })

describe('what an address answers', () => {
  it.each<[HttpHookKind, object, object]>([
    ['connect', { user: '' }, { user: '' }],
    [
      'connect',
      {
        user: 'ana',
        expire_at: 100,
        info: { a: 1 },
        b64data: b64('"x"'),
        meta: { m: 1 },
        channels: ['a', 'b'],
        subs: { b: { info: 1, b64data: b64('2'), override: { presence: { value: true } } } },
      },
      {
        user: 'ana',
        expiresAtMs: 100_000,
        infoJson: '{"a":1}',
        data: bytes('"x"'),
        metaJson: '{"m":1}',
        subscriptions: { a: {}, b: { infoJson: '1', data: bytes('2'), override: { presence: true } } },
      },
    ],
    [
      'connect',
      { user: 'ana', caps: [{ channels: ['chat:*'], match: 'wildcard', allow: ['sub'] }] },
      {
        user: 'ana',
        capabilities: [{ channels: ['chat:*'], match: 'wildcard', allow: ['subscribe'] }],
      },
    ],
    ['subscribe', { allow: ['pub', 'hst'] }, { allow: ['publish', 'history'] }],
    ['connect', { user: 'ana', expire_at: 0, info: null, subs: null }, { user: 'ana' }],
    ['refresh', {}, {}],
    ['refresh', { caps: [] }, { capabilities: [] }], // all are taken away, which isn't the same as nothing said
    ['refresh', { expired: true, expire_at: 100 }, { expiresAtMs: 0 }],
    ['sub_refresh', { expired: false, b64info: b64('[1]') }, { infoJson: '[1]' }],
    ['subscribe', { expire_at: 5, data: 'x' }, { expiresAtMs: 5_000, data: bytes('"x"') }],
    [
      'publish',
      { data: 1, skip_history: true, tags: { a: 'b' }, idempotency_key: 'k', delta: true },
      { data: bytes('1'), skipsHistory: true, tags: { a: 'b' }, idempotencyKey: 'k', delta: true },
    ],
    ['publish', { skip_history: false, idempotency_key: '' }, {}],
    ['rpc', { data: [1, 2] }, { data: bytes('[1,2]') }],
  ])('%s: %j is a yes', (kind, result, decision) => {
    expect(read(kind, { result })).toEqual({ decision })
  })

  it('is passed on as it was written (W2)', () => {
    const answer = read('rpc', ' {"result" : {"data": {"n":1E2, "n" :12345678901234567890} } } ')
    expect(answer).toEqual({ decision: { data: bytes('{"n":1E2, "n" :12345678901234567890}') } })
  })

  it.each<[object, object]>([
    [{ error: { code: 400 } }, { error: { code: 400, message: '' } }],
    [
      { error: { code: 1_999, message: 'no', temporary: true } },
      { error: { code: 1_999, message: 'no', temporary: true } },
    ],
    [{ disconnect: { code: 4_500, reason: 'out' } }, { disconnect: { code: 4_500, reason: 'out' } }],
    [{ result: { user: 'ana' }, error: { code: 400 } }, { error: { code: 400, message: '' } }],
    [{ error: { code: 400 }, disconnect: { code: 3_000 } }, { disconnect: { code: 3_000, reason: '' } }],
  ])('%j is a no; of several the strictest counts', (answer, refusal) => {
    expect(read('connect', answer)).toEqual(refusal)
  })

  it.each<[HttpHookKind, unknown]>([
    ['connect', '{"result"'],
    ['connect', 'null'],
    ['connect', {}],
    ['connect', { result: null }],
    ['connect', { result: [] }],
    ['connect', { result: {} }],
    ['connect', { result: { user: 7 } }],
    ['connect', { result: { user: '\ud800' } }],
    ['connect', { result: { user: 'a', expire_at: '2030-01-01' } }],
    ['connect', { result: { user: 'a', expire_at: -1 } }],
    ['connect', { result: { user: 'a', expire_at: 1.5 } }],
    ['connect', { result: { user: 'a', expire_at: 1e20 } }],
    ['connect', { result: { user: 'a', meta: 'x' } }],
    ['connect', { result: { user: 'a', b64info: b64('no json') } }],
    ['connect', { result: { user: 'a', b64data: '*' } }],
    ['connect', { result: { user: 'a', channels: 'x' } }],
    ['connect', { result: { user: 'a', channels: [7] } }],
    ['connect', { result: { user: 'a', subs: ['x'] } }],
    ['connect', { result: { user: 'a', subs: { x: true } } }],
    ['connect', { result: { user: 'a', subs: { x: { override: { presence: true } } } } }],
    ['connect', { result: { user: 'a', caps: 'all' } }],
    ['subscribe', { result: { allow: ['everything'] } }],
    ['refresh', { result: { expired: 'true' } }],
    ['subscribe', { result: { override: 1 } }],
    ['publish', { result: { skip_history: 1 } }],
    ['publish', { result: { tags: { a: 1 } } }],
    ['publish', { result: { idempotency_key: 7 } }],
    ['rpc', { error: {} }],
    ['rpc', { error: { code: 99 } }],
    ['rpc', { error: { code: '400' } }],
    ['rpc', { error: { code: 400, message: 7 } }],
    ['rpc', { disconnect: { code: 1_000 } }],
    ['rpc', { disconnect: { code: 5_000 } }],
    ['rpc', { disconnect: 4_000 }],
  ])('%s: %j is no answer (W1)', (kind, answer) => {
    expect(read(kind, answer)).toEqual({ problem: expect.any(String) })
  })

  it('that isn’t UTF-8 is none', () => {
    const body = Uint8Array.from([...bytes('{"result":{"data":"'), 0xff, ...bytes('"}}')])
    expect(parseAnswer('rpc', body, { canTakeBytes: true })).toEqual({ problem: 'is no JSON' })
  })

  it('holds no bytes that its client can’t be told', () => {
    const result = { user: 'a', b64data: Buffer.from([0xff, 0]).toString('base64') }
    for (const kind of ['connect', 'subscribe', 'rpc'] as const) {
      expect(read(kind, { result })).toHaveProperty('decision')
      expect(read(kind, { result }, false)).toHaveProperty('problem')
    }
    expect(read('publish', { result }, false)).toHaveProperty('decision') // the channel's business
  })

  it('has fields that nobody knows: they are named, and passed over (W4)', () => {
    const unknown: string[] = []
    const answer = { result: { user: 'a', usr: 1, subs: { x: { inf: 1 } } }, status: 'ok' }
    const onUnknown = (field: string): void => void unknown.push(field)
    expect(parseAnswer('connect', bytes(answer), { canTakeBytes: true, onUnknown })).toHaveProperty(
      'decision',
    )
    expect(unknown).toEqual(['status', 'result.usr', 'result.subs.inf'])
  })

  const known = 'user expire_at expired info b64info data b64data meta channels subs caps allow override tags'
  const others = 'skip_history idempotency_key delta code message reason __proto__'
  const field = fc.constantFrom(...`${known} ${others}`.split(' '))
  const nearly = fc.dictionary(
    fc.constantFrom('result', 'error', 'disconnect', 'x'),
    fc.oneof(fc.jsonValue(), fc.dictionary(field, fc.jsonValue())),
  )

  it('whatever it is, is a decision, a refusal with a code of the wire, or a problem without a word of it (W1, W3)', () => {
    const anything = fc.oneof(
      nearly.map((value) => bytes(value)),
      fc.jsonValue().map((value) => bytes(value)),
      fc.string().map((text) => bytes(text)),
      fc.uint8Array({ maxLength: 200 }),
    )
    fc.assert(
      fc.property(fc.constantFrom(...kinds), anything, fc.boolean(), (kind, body, canTakeBytes) => {
        const answer = parseAnswer(kind, body, { canTakeBytes })
        if ('problem' in answer) return expect(answer.problem).toMatch(/^(is|has) [ -~]+$/)
        if ('error' in answer) return expect(answer.error.code).toBeGreaterThanOrEqual(100)
        if ('disconnect' in answer)
          return expect(Math.floor(answer.disconnect.code / 2_000)).toBe(
            answer.disconnect.code < 4_000 ? 1 : 2,
          )
        return expect(answer.decision).toEqual(expect.any(Object))
      }),
      { numRuns: 1_000 },
    )
  })

  it('a hundred thousand levels deep is read like any other', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    const answer = read('rpc', `{"result":{"data":${deep}}}`)
    expect(Object.keys(answer)).toHaveLength(1)
  })
})
