import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { encodeFrame, FrameReader } from './websocket-frames.js'

describe('websocket frames', () => {
  it('read what was written, masked or not, however the bytes were split', () => {
    const frame = fc.record({
      opcode: fc.constantFrom(0, 1, 2, 8, 9, 10),
      fin: fc.boolean(),
      masked: fc.boolean(),
      payload: fc
        .oneof(fc.nat(200), fc.constantFrom(125, 126, 65_535, 65_536))
        .map((length) => Buffer.alloc(length, 7)),
    })
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 5_000 })),
        (frames, cuts) => {
          const bytes = Buffer.concat(frames.map((each) => encodeFrame(each)))
          const reader = new FrameReader()
          const read = []
          let at = 0
          for (const cut of [...cuts, bytes.length]) {
            read.push(...reader.push(bytes.subarray(at, at + cut)))
            at += cut
          }
          expect(read.map(({ opcode, fin, payload }) => [opcode, fin, payload.toString('hex')])).toEqual(
            frames.map(({ opcode, fin, payload }) => [opcode, fin, payload.toString('hex')]),
          )
        },
      ),
      { numRuns: 50 },
    )
  })
})
