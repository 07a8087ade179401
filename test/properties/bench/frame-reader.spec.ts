import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { countDelimited, countLines, FrameReader } from '../../../bench/clients/frame-reader.js'

const longBytes = 160

function frame(text: string, encoding: BufferEncoding = 'utf8'): Buffer {
  const length = Buffer.byteLength(text, encoding)
  const header = length < 126 ? Buffer.from([0x81, length]) : Buffer.alloc(length < 65_536 ? 4 : 10)
  if (length >= 126 && length < 65_536) {
    header.set([0x81, 126])
    header.writeUInt16BE(length, 2)
  } else if (length >= 65_536) {
    header.set([0x81, 127])
    header.writeBigUInt64BE(BigInt(length), 2)
  }
  return Buffer.concat([header, Buffer.from(text, encoding)])
}

const texts = fc.array(
  fc
    .oneof(fc.constant('{}'), fc.nat(1_000), fc.constant(70_000))
    .map((size) => (typeof size === 'string' ? size : 'x'.repeat(size))),
  { maxLength: 30, size: 'max' },
)

/** Reads the stream cut at random places. */
function read(sent: readonly string[], cuts: readonly number[], readsAll: boolean) {
  const got: string[] = []
  const reader = new FrameReader(
    longBytes,
    (text) => got.push(text),
    () => {},
  )
  reader.readsAll = readsAll
  const bytes = Buffer.concat(sent.map((text) => frame(text)))
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  let from = 0
  for (const to of places) {
    const chunk = Buffer.from(bytes.subarray(from, to))
    reader.read(chunk)
    chunk.fill(0) // the next read of a socket uses the same memory
    from = to
  }
  return { got, longMessages: reader.longMessages }
}

describe('the frame reader of the drivers', () => {
  it('counts every long frame and reads every short one, wherever the stream is cut: what it misses would be told as lost', () => {
    fc.assert(
      fc.property(
        texts,
        fc.array(fc.nat(200_000), { maxLength: 12, size: 'max' }),
        fc.boolean(),
        (sent, cuts, readsAll) => {
          const { got, longMessages } = read(sent, cuts, readsAll)
          expect(longMessages).toBe(sent.filter((text) => text.length >= longBytes).length)
          expect(got).toEqual(readsAll ? sent : sent.filter((text) => text.length < longBytes))
        },
      ),
    )
  })

  const parts = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20, size: 'max' })

  it('counts the messages of a frame, not the frame, wherever it is cut: a server that gathers would be told to have lost them', () => {
    fc.assert(
      fc.property(parts, fc.array(fc.nat(6_000), { maxLength: 4 }), (sizes, cuts) => {
        const lines = sizes.map((size) => 'x'.repeat(size)).join('\n')
        const delimited = sizes.map((size) => varint(size) + 'x'.repeat(size)).join('')
        for (const [text, count] of [
          [lines, countLines],
          [delimited, countDelimited],
        ] as const) {
          const reader = new FrameReader(
            1,
            () => {},
            () => {},
            count,
          )
          const bytes = frame(text, 'latin1')
          let from = 0
          for (const to of [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted(
            (a, b) => a - b,
          )) {
            reader.read(bytes.subarray(from, to))
            from = to
          }
          expect(reader.longMessages).toBe(sizes.length)
        }
      }),
    )
  })
})

const varint = (size: number): string => {
  const bytes: number[] = []
  for (let left = size; ; left = Math.floor(left / 128)) {
    if (left < 128) return String.fromCharCode(...bytes, left)
    bytes.push((left % 128) + 128)
  }
}
