import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { clientAddresses } from './client-address.js'

const request = (remoteAddress: string, forwarded?: string) => ({
  remoteAddress,
  headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
})

describe('whose request it is', () => {
  it('is what the socket says where no proxy is trusted, whatever the request says', () => {
    const addressOf = clientAddresses([])
    expect(addressOf(request('203.0.113.7', '198.51.100.1'))).toBe('203.0.113.7')
  })

  it('is whom the last trusted proxy heard, over as many of them as there are', () => {
    const addressOf = clientAddresses(['10.0.0.0/8', '192.0.2.1', 'fd00::/8'])
    expect(addressOf(request('10.0.0.5', '203.0.113.7'))).toBe('203.0.113.7')
    expect(addressOf(request('10.0.0.5', '203.0.113.7, 192.0.2.1,10.9.9.9'))).toBe('203.0.113.7')
    expect(addressOf(request('fd00::5', '2001:db8::7'))).toBe('2001:db8::7')
    expect(addressOf(request('::ffff:10.0.0.5', '203.0.113.7'))).toBe('203.0.113.7')
  })

  it('is the proxy itself where nothing was forwarded: a health check, a request from within', () => {
    const addressOf = clientAddresses(['10.0.0.0/8'])
    expect(addressOf(request('10.0.0.5'))).toBe('10.0.0.5')
    expect(addressOf(request('10.0.0.5', ''))).toBe('10.0.0.5')
    expect(addressOf(request('10.0.0.5', '10.1.1.1'))).toBe('10.1.1.1')
  })

  it('is read without the port that some proxies add', () => {
    const addressOf = clientAddresses(['10.0.0.0/8'])
    expect(addressOf(request('10.0.0.5', '203.0.113.7:4711'))).toBe('203.0.113.7')
    expect(addressOf(request('10.0.0.5', '[2001:db8::7]:4711'))).toBe('2001:db8::7')
  })

  it('is no more than what was heard, where a hop is no address (CA2)', () => {
    const addressOf = clientAddresses(['10.0.0.0/8'])
    expect(addressOf(request('10.0.0.5', '198.51.100.1, unknown, 10.0.0.6'))).toBe('10.0.0.6')
    expect(addressOf(request('10.0.0.5', 'x'.repeat(100_000)))).toBe('10.0.0.5')
  })

  it('is nothing that a client can choose, however it begins the header (CA1)', () => {
    const addressOf = clientAddresses(['10.0.0.0/8'])
    const invented = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.constant('10.0.0.1'))
    fc.assert(
      fc.property(fc.array(invented, { maxLength: 20, size: 'max' }), (hops) => {
        // the proxy adds at the end whom it heard
        const forwarded = [...hops, '203.0.113.7'].join(', ')
        expect(addressOf(request('10.0.0.5', forwarded))).toBe('203.0.113.7')
        expect(addressOf(request('203.0.113.7', hops.join(', ')))).toBe('203.0.113.7')
      }),
    )
  })

  it('is what the proxy adds behind a header of any length: a client that fills it must not choose its address (CA1)', () => {
    const addressOf = clientAddresses(['10.0.0.0/8'])
    const filled = `${'198.51.100.1, '.repeat(100)}203.0.113.7`
    expect(addressOf(request('10.0.0.5', filled))).toBe('203.0.113.7')
  })
})
