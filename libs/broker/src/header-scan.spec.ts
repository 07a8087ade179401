import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseTimeNs, scanHeader, scanMeta } from './header-scan.js'

const scan = (...lines: string[]): ReturnType<typeof scanHeader> =>
  scanHeader(Buffer.from(`NATS/1.0\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1'))

const stamped = [
  'Nats-Stream: NATTER_CH_0',
  'Nats-Sequence: 12',
  'Nats-Time-Stamp: 2026-08-21T10:11:12.5Z',
  'Nats-Last-Sequence: 9',
]

describe('header scan', () => {
  it('reads what a stream adds', () => {
    expect(scan('Natter-Meta: {"k":"json"}', ...stamped)).toMatchObject({
      status: 0,
      isFromStream: true,
      seq: 12,
      lastSeq: 9,
      meta: '{"k":"json"}',
      timeNs: BigInt(Date.UTC(2026, 7, 21, 10, 11, 12)) * 1_000_000n + 500_000_000n,
    })
  })

  it('believes the last sequence, which the server wrote, and the first meta, which it never writes', () => {
    const found = scan('Nats-Sequence: 999', 'Natter-Meta: 1', ...stamped, 'Natter-Meta: 2')
    expect([found.seq, found.meta]).toEqual([12, '1'])
  })

  it('whatever a publisher writes before them, the server headers are read as they are', () => {
    const line = fc
      .string({ unit: 'binary-ascii' })
      .map((text) => text.replace(/\r\n/g, '').replace(/\r$/, ''))
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const { seq, lastSeq, isFromStream } = scan(...lines, ...stamped)
        expect([seq, lastSeq, isFromStream]).toEqual([12, 9, true])
      }),
    )
  })

  it('a name inside a value, or behind a bare line feed, is no header', () => {
    const found = scan('X: Nats-Sequence: 5', 'Y: a\nNats-Sequence: 6', 'Z: b\rNats-Stream: S')
    expect([found.seq, found.isFromStream]).toEqual([0, false])
  })

  it('reads the status of a server message', () => {
    expect(scanHeader(Buffer.from('NATS/1.0 503\r\n\r\n')).status).toBe(503)
    const eob =
      'NATS/1.0 204 EOB\r\nNats-Num-Pending: 3\r\nNats-Last-Sequence: 4\r\nNats-UpTo-Sequence: 7\r\n\r\n'
    expect(scanHeader(Buffer.from(eob))).toMatchObject({ status: 204, pending: 3, lastSeq: 4, upTo: 7 })
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => [scanHeader(bytes)].length === 1))
  })

  it('finds the same metadata alone, whatever the header, and never in the body', () => {
    const part = fc.constantFrom(
      'Natter-Meta',
      ':',
      ' ',
      '\r\n',
      '\r',
      '\n',
      'x',
      'Nats-Sequence: 1',
      'NATS/1.0',
    )
    const text = fc.array(part, { maxLength: 12, size: 'max' }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, text, (header, body) => {
        const all = Buffer.from(header + body, 'latin1')
        expect(scanMeta(all, header.length)).toBe(scanHeader(all.subarray(0, header.length)).meta)
        expect(scanMeta(new Uint8Array(all), header.length)).toBe(scanMeta(all, header.length))
      }),
      { numRuns: 2_000, examples: [['\r\nNatter-Meta:\r', '\n']] },
    )
  })
})

describe('time stamps', () => {
  it.each([
    ['2026-08-21T10:11:12.5227413Z', 522_741_300n],
    ['2026-08-21T10:11:12.1Z', 100_000_000n],
    ['2026-08-21T10:11:12Z', 0n],
    ['2026-08-21T10:11:12.000000001Z', 1n],
  ])('%s: the server drops trailing zeros', (stamp, ns) => {
    expect(parseTimeNs(stamp)).toBe(BigInt(Date.UTC(2026, 7, 21, 10, 11, 12)) * 1_000_000n + ns)
  })

  it('is read the same whatever was read before: what seconds share is remembered', () => {
    const second = fc.constantFrom('2026-08-21T10:11:12', '2026-08-21T10:11:13', '1999-12-31T23:59:59')
    const rest = fc.constantFrom(
      'Z',
      '.Z',
      '.5Z',
      '.50Z',
      '.000000001Z',
      '.1234567890Z',
      '.12x4Z',
      '.5',
      '+02:00',
      '',
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(second, rest), { maxLength: 10 }), (stamps) => {
        for (const [whole, tail] of stamps) {
          const [, fraction] = /^(?:\.(\d{1,9}))?Z$/.exec(tail) ?? [undefined, undefined]
          const isStamp = /^(?:\.\d{1,9})?Z$/.test(tail)
          const ns = BigInt(Date.parse(`${whole}Z`)) * 1_000_000n + BigInt((fraction ?? '').padEnd(9, '0'))
          expect(parseTimeNs(whole + tail)).toBe(isStamp ? ns : undefined)
        }
      }),
      { numRuns: 500 },
    )
  })

  it.each([['now'], [''], ['2026-08-21T10:11:12+02:00']])('%j is none', (stamp) => {
    expect(parseTimeNs(stamp)).toBeUndefined()
  })
})
