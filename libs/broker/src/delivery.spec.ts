import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseDelivery } from './delivery.js'

const parse = (subject: string): ReturnType<typeof parseDelivery> =>
  parseDelivery(Buffer.from(subject, 'latin1'))

const numbers = fc.record({
  seq: fc.nat(Number.MAX_SAFE_INTEGER),
  number: fc.nat(Number.MAX_SAFE_INTEGER),
  timeNs: fc.bigInt(0n, 2n ** 63n - 1n),
  pending: fc.nat(Number.MAX_SAFE_INTEGER),
})
const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,24}$/)

describe('the reply subject of a delivery', () => {
  it('reads what servers write, with a domain or without, with a random word at the end or without', () => {
    fc.assert(
      fc.property(numbers, fc.array(token, { minLength: 6, maxLength: 6 }), (told, words) => {
        const [domain, account, stream, consumer, tries, random] = words
        const tail = `${told.seq}.${told.number}.${told.timeNs}.${told.pending}`
        expect(parse(`$JS.ACK.${stream}.${consumer}.${tries}.${tail}`)).toEqual(told)
        const long = `$JS.ACK.${domain}.${account}.${stream}.${consumer}.${tries}.${tail}`
        expect(parse(long)).toEqual(told)
        expect(parse(`${long}.${random}`)).toEqual(told)
      }),
    )
  })

  it('knows what is none', () => {
    for (const other of [
      '',
      '$JS.ACK.',
      '_INBOX.a.1',
      '$JS.ACK.s.c.1.2.3.4',
      '$JS.ACK.d.a.s.c.1.2.3.4',
      'a.b.c.d.e.f.g.h.i',
    ])
      expect(parse(other)).toBeUndefined()
  })
})
