/** Those who want publications otherwise than as they are, beside those who don't: deltas and filters. */
import { describe, expect, it, jest } from '@jest/globals'
import { applyPatch, type Publication } from '@natter/protocol'
import { Centrifuge } from 'centrifuge/build/protobuf'
import fc from 'fast-check'
import { serveMembers, turn, type Member, type Wish } from '../../test/audience-members.js'
import { websocketWires } from '../connection/wire.js'
import { deltaChoice, type Choice } from './choice.js'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const { json, protobuf } = websocketWires
const red: Choice = { kind: 'filter', matches: (tags) => tags?.['colour'] === 'red' }
const wishes: Wish[] = [json, protobuf].flatMap((wire) => [
  { wire },
  { wire, choice: deltaChoice(true) },
  { wire, choice: deltaChoice(true) },
  { wire, choice: deltaChoice(false) },
  { wire, choice: red },
])

interface Seen {
  data: unknown
  delta?: boolean
  offset?: number
}

const sdkCodec = (
  new Centrifuge('ws://nowhere') as unknown as {
    _codec: { decodeReplies(message: Uint8Array): { push: { pub: Seen } }[] }
  }
)._codec

const pubsOf = ({ client, wire }: Member): Seen[] =>
  client.messages.flatMap((message) => {
    if (wire === protobuf) return sdkCodec.decodeReplies(message as Uint8Array).map(({ push }) => push.pub)
    const lines = (typeof message === 'string' ? message : textOf(message)).split('\n')
    return lines.map((line) => (JSON.parse(line) as { push: { pub: Seen } }).push.pub)
  })

/** The payloads, as an SDK reads them: patches applied to what came before. */
function payloadsOf(member: Member): string[] {
  let base = new Uint8Array()
  return pubsOf(member).map(({ data, delta }) => {
    const isPlainJson = member.wire === json && member.wish.choice?.kind !== 'delta'
    const bytes =
      member.wire === protobuf
        ? Uint8Array.from(data as Uint8Array)
        : utf8(isPlainJson ? JSON.stringify(data) : (data as string))
    const whole = delta === true ? applyPatch(base, bytes) : bytes
    if (whole === undefined) throw new Error(`a patch of something else: ${textOf(bytes)}`)
    base = Uint8Array.from(whole)
    return textOf(base)
  })
}

/** A patch against another one than the one before would take over the wrong parity. */
const payload = (n: number): string => {
  const part = 'неизменная часть '.repeat(3)
  return `{"text":"${part}","parity":${n % 2},"more":"${part}","n":${n}}`
}
const publication = (n: number, tags: Record<string, string> = {}): Publication => ({
  data: utf8(payload(n)),
  offset: n,
  tags,
})

describe('deltas and filters on the way out of the node', () => {
  it('[8.3] [14.3] give each its own, in order, each once and as it was, whoever comes and goes (D1, D2, L1)', async () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constantFrom('join' as const, 'leave' as const),
        who: fc.nat(wishes.length - 1),
        isFlagged: fc.constant(false),
      }),
      fc.record({ kind: fc.constantFrom('deliver' as const), who: fc.nat(1), isFlagged: fc.boolean() }),
      fc.constant({ kind: 'turn' as const, who: 0, isFlagged: false }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const { audience, members } = await serveMembers(wishes)
        const expected = members.map((): string[] => [])
        let n = 0
        for (const { kind, who, isFlagged } of steps) {
          const member = members[who]
          if (member === undefined) throw new Error('no member')
          if (kind === 'join') audience.join(member, member.seat)
          else if (kind === 'leave') audience.leave(member, member.seat)
          else if (kind === 'turn') await turn()
          else {
            n += 1
            audience.deliver('news', publication(n, who === 1 ? { colour: 'red' } : {}), isFlagged)
            for (const [index, { seat, wish }] of members.entries())
              if (seat.isListening && (wish.choice !== red || who === 1)) expected[index]?.push(payload(n))
          }
        }
        await turn()
        await turn()
        expect(members.map(payloadsOf)).toEqual(expected)
        for (const member of members) {
          const isPatched = pubsOf(member).some(({ delta }) => delta === true)
          if (isPatched) expect(member.wish.choice).toBe(deltaChoice(true))
        }
      }),
      { numRuns: 200 },
    )
  })

  it.each([1, 300])(
    '[8.4] cost one look at the data and one publish for %d subscribers, and a patch for each encoding (D4)',
    async (count) => {
      const many = Array.from({ length: count }, () =>
        [json, protobuf].map((wire) => ({ wire, choice: deltaChoice(true) })),
      )
      const { audience, members, publish } = await serveMembers(many.flat())
      for (const member of members) audience.join(member, member.seat)
      audience.deliver('news', publication(1), true)
      await turn()
      publish.mockClear()
      let looks = 0
      const watched = publication(2)
      const { data } = watched
      Object.defineProperty(watched, 'data', { get: () => ((looks += 1), data), enumerable: true })
      audience.deliver('news', watched, true)
      await turn()
      expect(publish).toHaveBeenCalledTimes(2)
      expect(looks).toBeLessThan(20)
      await turn()
      for (const member of members) expect(payloadsOf(member)).toEqual([payload(1), payload(2)])
      expect(pubsOf(members[0] as Member).map(({ delta }) => delta === true)).toEqual([false, true])
    },
  )

  it('[8.4] make no whole frame where all take the patch (A1)', async () => {
    const { audience, members } = await serveMembers([{ wire: json, choice: deltaChoice(true) }])
    const [only] = members as [Member]
    audience.join(only, only.seat)
    const stringify = jest.spyOn(JSON, 'stringify')
    for (const n of [1, 2, 3]) audience.deliver('news', publication(n), true)
    const quoted = new Set(stringify.mock.calls.map(([text]) => text as unknown))
    stringify.mockRestore()
    expect([1, 2, 3].map((n) => quoted.has(payload(n)))).toEqual([true, false, false])
    await turn()
    await turn()
    expect(payloadsOf(only)).toEqual([payload(1), payload(2), payload(3)])
  })

  it.each([
    ['a patch below 256 KiB', 250_000, true],
    ['whole above, because a patch would cost the loop too long', 270_000, false],
  ])('[8.4] are %s', async (_what, length, isPatched) => {
    const { audience, members } = await serveMembers([{ wire: json, choice: deltaChoice(true) }])
    const [only] = members as [Member]
    audience.join(only, only.seat)
    const long = 'x'.repeat(length)
    for (const n of [1, 2]) audience.deliver('news', { data: utf8(`"${long}${n}"`), offset: n }, true)
    await turn()
    await turn()
    expect(pubsOf(only).map(({ delta }) => delta === true)).toEqual([false, isPatched])
  })

  it('[8.5] a base that was bytes makes no patch of text', async () => {
    const { audience, members } = await serveMembers([
      { wire: json, choice: deltaChoice(true) },
      { wire: protobuf, choice: deltaChoice(true) },
    ])
    const [reader, other] = members as [Member, Member]
    audience.join(other, other.seat)
    audience.deliver('news', { data: utf8(payload(1)), isBinary: true, offset: 1 }, true)
    audience.join(reader, reader.seat)
    for (const n of [2, 3]) audience.deliver('news', publication(n), true)
    await turn()
    await turn()
    expect(payloadsOf(reader)).toEqual([payload(2), payload(3)])
    expect(payloadsOf(other)).toEqual([payload(1), payload(2), payload(3)])
  })

  it('[6.3] 3506: a filter decides whether bytes would reach who speaks JSON', async () => {
    const { audience, members } = await serveMembers([
      { wire: json, choice: red },
      { wire: protobuf, choice: red },
    ])
    const [reader, other] = members as [Member, Member]
    for (const member of members) audience.join(member, member.seat)
    const bytes: Publication = { data: Uint8Array.of(0xff), isBinary: true, offset: 1 }
    audience.deliver('news', bytes)
    await turn()
    expect(other.client.messages).toEqual([])
    audience.deliver('news', { ...bytes, tags: { colour: 'red' } })
    expect(await reader.client.closedWith).toMatchObject({ code: 3506 })
    await turn()
    expect(other.client.messages).toHaveLength(1)
  })

  it.each([0, 1])('keep nothing of who turns out to be closed while joining topic %d (A2)', async (place) => {
    const { audience, members, publish } = await serveMembers([{ wire: protobuf, choice: deltaChoice(true) }])
    const [only] = members as [Member]
    let joined = 0
    const { join } = only
    only.join = (topic) => {
      if (joined === place) audience.leave(only, only.seat)
      joined += 1
      join(topic)
    }
    audience.join(only, only.seat)
    for (const n of [1, 2]) audience.deliver('news', publication(n), true)
    await turn()
    expect(joined).toBe(place + 1)
    publish.mockClear()
    audience.deliver('news', publication(3), true)
    await turn()
    expect(publish.mock.calls.filter(([topic]) => !topic.startsWith('m:'))).toEqual([])
  })

  it('keep nothing of who has ended before it joins: nobody would take it out again (A6)', async () => {
    const { audience, members, publish } = await serveMembers(wishes)
    for (const member of members) {
      member.seat.isWanted = false
      audience.join(member, member.seat)
    }
    audience.deliver('news', publication(1), true)
    await turn()
    expect(publish.mock.calls.filter(([topic]) => !topic.startsWith('m:'))).toEqual([])
    for (const { client } of members) expect(client.messages).toEqual([])
  })

  it('build no frame for nobody: one who leaves takes the last reason with them (A1)', async () => {
    const { audience, members, publish } = await serveMembers([{ wire: protobuf, choice: deltaChoice(true) }])
    const [only] = members as [Member]
    audience.join(only, only.seat)
    audience.deliver('news', publication(1), true)
    await turn()
    expect(publish).toHaveBeenCalledTimes(1) // not in JSON as well
    audience.leave(only, only.seat)
    publish.mockClear()
    audience.join(only, only.seat)
    audience.deliver('news', publication(2), true)
    await turn()
    await turn()
    expect(payloadsOf(only)).toEqual([payload(1), payload(2)])
    expect(pubsOf(only).some(({ delta }) => delta === true)).toBe(false)
  })
})
