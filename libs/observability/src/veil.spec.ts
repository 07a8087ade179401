import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createLogger } from './json-logger.js'
import { Veil } from './veil.js'

const clock = { now: () => 0, setTimer: () => ({ cancel: () => {} }) }

describe('a veil', () => {
  it('covers a secret in the forms in which others quote it', () => {
    const veil = new Veil()
    const secret = 'pa"ss wörd/+?'
    veil.cover([secret])
    const forms = [
      secret,
      JSON.stringify(secret),
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64'),
      Buffer.from(secret).toString('base64url'),
    ]
    for (const form of forms)
      expect(veil.over(`before ${form} behind`)).toMatch(/^before "?\(hidden\)=*"? behind$/)
  })

  it('covers what was replaced as well: it may still open a door', () => {
    const veil = new Veil()
    veil.cover(['first-secret'])
    veil.cover(['second-secret'])
    expect(veil.over('first-secret second-secret')).toBe('(hidden) (hidden)')
  })

  it('covers the newest secret however many there were before, and what is named with each: they are those in effect', () => {
    const veil = new Veil()
    const keys = Array.from({ length: 1_200 }, (_, reload) => `key-of-reload-${reload}`)
    veil.cover(['the-one-that-stays', ...keys.slice(0, 400)])
    veil.cover(['the-one-that-stays', ...keys.slice(400)])
    expect(veil.over('the-one-that-stays key-of-reload-1199 key-of-reload-0')).toBe(
      '(hidden) (hidden) key-of-reload-0',
    )
  })

  it('covers the longer of two that begin alike, and leaves alone what stands everywhere: short texts, words, numbers', () => {
    const veil = new Veil()
    veil.cover(['abc-def', 'abc-defgh', 'x', '', 'natter', '123456', 'a-long-secret'])
    expect(veil.over('abc-defgh abc-def x natter_connections 123456')).toBe(
      '(hidden) (hidden) x natter_connections 123456',
    )
  })

  it('covers a secret from its sixth character on, a word or a number from its twelfth: so it is promised to who sets one', () => {
    const covers = (text: string): boolean => {
      const veil = new Veil()
      veil.cover([text])
      return veil.over(text) === '(hidden)'
    }
    expect(
      ['k-7#a', 'k-7#ab', 'elevenchars', 'twelveletter', '12345678901', '123456789012'].map(covers),
    ).toEqual([false, true, false, true, false, true])
  })

  it('lets no log line through with it, wherever in the fields it stands, and keeps the line JSON', () => {
    const unit = fc.constantFrom(...'pqXZ01 äß"\\\n/+?=&%{}𝄞')
    const anything = fc.string({ minLength: 12, unit }).filter((text) => text.trim().length >= 12)
    fc.assert(
      fc.property(anything, fc.string(), (secret, around) => {
        const lines: string[] = []
        const veil = new Veil()
        veil.cover([secret])
        const log = createLogger({ level: 'debug', veil, clock, sink: (line) => void lines.push(line) })
        const plain = secret.trim()
        log.error('x:y', {
          text: `${around}${plain}`,
          error: new Error(`no way to ${plain}`, { cause: { deep: [plain] } }),
          address: encodeURIComponent(plain),
        })
        expect(lines).toHaveLength(1)
        const [line = ''] = lines
        expect(line).not.toContain(JSON.stringify(plain).slice(1, -1))
        expect(line).not.toContain(encodeURIComponent(plain))
        expect(() => JSON.parse(line) as unknown).not.toThrow()
      }),
    )
  })
})
