import { describe, expect, it } from '@jest/globals'
import { deny, replyOf } from './decisions.js'

const decisionOf = (kind: Parameters<typeof replyOf>[0], result: unknown) => replyOf(kind, result, 'json')

describe('what a handler returns', () => {
  it('of connect becomes what the gateway is told, values as JSON', () => {
    const expiresAt = new Date(5_000)
    const result = {
      user: 'ann',
      info: { name: 'Ann' },
      meta: { roles: ['admin'] },
      data: [1],
      expiresAt,
      subscriptions: { 'chat:1': { info: 'i', publish: 'allow', publishForMs: 60_000, publishQuota: 5 } },
      capabilities: [{ channels: ['feed:*'], allow: ['subscribe'] }],
    }
    expect(decisionOf('connect', result)).toEqual({
      decision: {
        user: 'ann',
        infoJson: '{"name":"Ann"}',
        metaJson: '{"roles":["admin"]}',
        dataJson: '[1]',
        expiresAtMs: 5_000,
        subscriptions: {
          'chat:1': { infoJson: '"i"', grant: { publish: 'allow', forMs: 60_000, quota: 5 } },
        },
        capabilities: [{ channels: ['feed:*'], allow: ['subscribe'] }],
      },
    })
    expect(decisionOf('connect', { user: '', subscriptions: ['a', 'b'] })).toEqual({
      decision: { user: '', subscriptions: { a: {}, b: {} } },
    })
  })

  it.each(['subscribe', 'publish', 'presence', 'history'] as const)(
    'of %s: nothing is yes, false is 103',
    (kind) => {
      expect(decisionOf(kind, undefined)).toEqual({ decision: {} })
      expect(decisionOf(kind, true)).toEqual({ decision: {} })
      expect(decisionOf(kind, false)).toEqual({ error: { code: 103, message: 'permission denied' } })
    },
  )

  it('of connect and refresh is never nothing: that would be somebody let in', () => {
    expect(() => decisionOf('connect', undefined)).toThrow('object')
    expect(() => decisionOf('connect', {})).toThrow("{ user: 'id' }")
    expect(() => decisionOf('refresh', undefined)).toThrow('object')
    expect(decisionOf('connect', false)).toMatchObject({ error: { code: 103 } })
  })

  it('has no field that nobody knows: a misspelt expiry would be a connection for ever', () => {
    expect(() => decisionOf('connect', { user: 'ann', expireAt: 1 })).toThrow('no field "expireAt"')
    expect(() => decisionOf('subscribe', { expireAt: 1 })).toThrow('no field "expireAt"')
    expect(() => decisionOf('connect', { user: 'ann', subscriptions: { a: { expireAt: 1 } } })).toThrow('"a"')
    expect(() => decisionOf('refresh', { expiresAt: new Date('x') })).toThrow('valid Date')
    expect(() => decisionOf('subscribe', { publishQuota: 1 })).toThrow("belong to publish: 'allow'")
  })

  it('of an rpc is any value; false is one', () => {
    expect(decisionOf('rpc', undefined)).toEqual({ decision: {} })
    expect(decisionOf('rpc', false)).toEqual({ decision: { data: Buffer.from('false') } })
    expect(replyOf('rpc', new Uint8Array([1]), 'bytes')).toEqual({ decision: { data: new Uint8Array([1]) } })
    expect(() => decisionOf('rpc', new Uint8Array([1]))).toThrow("encoding: 'bytes'")
    expect(() => replyOf('rpc', 'text', 'bytes')).toThrow('Uint8Array')
    expect(() => decisionOf('rpc', () => 1)).toThrow('no JSON')
    expect(() => decisionOf('rpc', 1n)).toThrow('no JSON')
  })

  it('may be a refusal, everywhere', () => {
    expect(decisionOf('publish', deny(1409, 'closed'))).toEqual({ error: { code: 1409, message: 'closed' } })
    expect(decisionOf('rpc', deny())).toEqual({ error: { code: 103, message: 'permission denied' } })
    expect(decisionOf('connect', deny(101))).toEqual({ error: { code: 101, message: 'unauthorized' } })
  })
})
