import { describe, expect, it } from '@jest/globals'
import { jsonCodec, protobufCodec, type Codec, type Frame } from '@natter/protocol'
import fc from 'fast-check'
import { GatheredFrames } from './gathered-frames.js'

/** Letters of one to four bytes: what counts on the wire is bytes. */
const text = fc.string({ unit: fc.constantFrom('a', 'ü', '€', '😀'), minLength: 1, maxLength: 60 })

const bytesOf = (frame: Frame): number => Buffer.from(frame as string).byteLength

describe('what is gathered of a turn', () => {
  it.each([
    ['JSON', jsonCodec, (one: string): Frame => one],
    ['Protobuf', protobufCodec, (one: string): Frame => Buffer.from(one)],
  ] as const)(
    '[2.13] of %s is at most 16 messages and so many bytes, and never less than fits',
    (_, codec, frameOf) => {
      const maxBytes = 120
      fc.assert(
        fc.property(fc.array(text, { minLength: 1, maxLength: 60 }), (texts) => {
          const groups = gather(texts.map(frameOf), codec, maxBytes)
          expect(groups.flatMap(({ frames }) => frames)).toEqual(texts.map(frameOf))
          for (const [at, { frames, sent }] of groups.entries()) {
            expect(frames.length).toBeLessThanOrEqual(16)
            if (frames.length > 1) expect(bytesOf(sent)).toBeLessThanOrEqual(maxBytes)
            if (frames.length === 1) expect(sent).toEqual(frames[0])
            const [first] = groups[at + 1]?.frames ?? []
            if (first === undefined) continue
            const withNext = frames.reduce((sum, one) => sum + bytesOf(one) + 1, 0) + bytesOf(first) + 1
            expect(frames.length === 16 || withNext > maxBytes).toBe(true)
          }
        }),
      )
    },
  )
})

function gather(
  frames: readonly Frame[],
  codec: Codec,
  maxBytes: number,
): { frames: Frame[]; sent: Frame }[] {
  const groups: { frames: Frame[]; sent: Frame }[] = []
  let gathered = new GatheredFrames(codec, maxBytes)
  let members: Frame[] = []
  const leave = (): void => {
    groups.push({ frames: members, sent: gathered.toFrame() })
    gathered = new GatheredFrames(codec, maxBytes)
    members = []
  }
  for (const frame of frames) {
    if (!gathered.add(frame)) {
      leave()
      expect(gathered.add(frame)).toBe(true)
    }
    members.push(frame)
  }
  leave()
  return groups
}
