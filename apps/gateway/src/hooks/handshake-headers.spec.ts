import { describe, expect, it } from '@jest/globals'
import { mergeHeaders, pickHeaders } from './handshake-headers.js'

const allowed = ['origin', 'cookie']

describe('the headers that apps are shown', () => {
  it('are those on the list', () => {
    expect(pickHeaders(allowed, { cookie: 'a=1', host: 'x', origin: 'o' })).toEqual({
      cookie: 'a=1',
      origin: 'o',
    })
  })

  it('are no object where there is none (A1)', () => {
    expect(pickHeaders(allowed, { host: 'x' })).toBeUndefined()
    expect(pickHeaders([], { cookie: 'a' })).toBeUndefined()
    expect(mergeHeaders(allowed, undefined, { host: 'x' })).toBeUndefined()
    expect(mergeHeaders(allowed, undefined, undefined)).toBeUndefined()
  })

  it('of the request win over those that the client says it has (A2)', () => {
    expect(mergeHeaders(allowed, { cookie: 'real' }, { Cookie: 'said', ORIGIN: 'said', host: 'x' })).toEqual({
      cookie: 'real',
      origin: 'said',
    })
  })

  it('that a client says are bounded (A3)', () => {
    const merged = mergeHeaders(allowed, { origin: 'o' }, { cookie: 'x'.repeat(5_000) })
    expect(merged).toEqual({ origin: 'o' })
  })
})
