import { describe, expect, it } from '@jest/globals'
import { OriginRule } from './origin.js'

describe('the origin rule', () => {
  it('lets requests without an Origin pass, because only browsers send one and only they can be tricked', () => {
    expect(new OriginRule([]).allows(undefined)).toBe(true)
  })

  it('refuses every browser when no pattern is configured', () => {
    expect(new OriginRule([]).allows('https://example.com')).toBe(false)
  })

  it('takes * as any run of characters and everything else literally', () => {
    const rule = new OriginRule(['https://*.example.com', 'http://localhost:8000'])
    expect(rule.allows('https://a.b.example.com')).toBe(true)
    expect(rule.allows('https://exampleXcom')).toBe(false)
    expect(rule.allows('https://a.exampleXcom')).toBe(false)
    expect(rule.allows('https://a.example.com.evil.org')).toBe(false)
    expect(rule.allows('http://localhost:80001')).toBe(false)
    expect(rule.allows('evil-https://a.example.com')).toBe(false)
    expect(new OriginRule(['*']).allows('null')).toBe(true)
  })

  it('takes no letter for another because of its case', () => {
    expect(new OriginRule(['https://App.example.com']).allows('https://aPP.Example.com')).toBe(true)
  })

  it('answers at once, however many stars there are and whatever a stranger sends: nobody else is served meanwhile', () => {
    const rule = new OriginRule(['https://*-*-*-*.preview.example.com'])
    const beganAtMs = performance.now()
    expect(rule.allows(`https://${'-'.repeat(30_000)}`)).toBe(false)
    expect(rule.allows('https://a-b-c-d.preview.example.com')).toBe(true)
    expect(performance.now() - beganAtMs).toBeLessThan(100)
  })
})
