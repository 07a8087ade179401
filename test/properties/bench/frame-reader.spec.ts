import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { FrameReader } from '../../../bench/clients/frame-reader.js'

const longBytes = 160

function frame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const header = length < 126 ? Buffer.from([0x81, length]) : Buffer.alloc(length < 65_536 ? 4 : 10)
  if (length >= 126 && length < 65_536) {
    header.set([0x81, 126])
    header.writeUInt16BE(length, 2)
  } else if (length >= 65_536) {
    header.set([0x81, 127])
    header.writeBigUInt64BE(BigInt(length), 2)
  }
  return Buffer.concat([header, Buffer.from(text)])
}

const texts = fc.array(
  fc
    .oneof(fc.constant('{}'), fc.nat(1_000), fc.constant(70_000))
    .map((size) => (typeof size === 'string' ? size : 'x'.repeat(size))),
  { maxLength: 30 },
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
  const bytes = Buffer.concat(sent.map(frame))
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  let from = 0
  for (const to of places) {
    const chunk = Buffer.from(bytes.subarray(from, to))
    reader.read(chunk)
    chunk.fill(0) // the next read of a socket uses the same memory
    from = to
  }
  return { got, longFrames: reader.longFrames }
}

describe('the frame reader of the drivers', () => {
  it('counts every long frame and reads every short one, wherever the stream is cut: what it misses would be told as lost', () => {
    fc.assert(
      fc.property(
        texts,
        fc.array(fc.nat(200_000), { maxLength: 12 }),
        fc.boolean(),
        (sent, cuts, readsAll) => {
          const { got, longFrames } = read(sent, cuts, readsAll)
          expect(longFrames).toBe(sent.filter((text) => text.length >= longBytes).length)
          expect(got).toEqual(readsAll ? sent : sent.filter((text) => text.length < longBytes))
        },
      ),
    )
  })
})
