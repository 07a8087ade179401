import { describe, expect, it } from '@jest/globals'
import { Disconnects, type Publication } from '@natter/protocol'
import fc from 'fast-check'
import { websocketWires, type Wire } from '../connection/wire.js'
import { serveMembers, turn, type Member, type Wish } from '../../test/audience-members.js'
import type { Audience } from './audience.js'

const text = (value: Uint8Array | string): string =>
  typeof value === 'string' ? value : new TextDecoder().decode(value)
const publication = (json: string, offset: number): Publication => ({
  data: new TextEncoder().encode(json),
  offset,
})

const wishes = (...wires: Wire[]): Wish[] => wires.map((wire) => ({ wire }))
const json = (count: number): Wish[] => wishes(...Array.from({ length: count }, () => websocketWires.json))
const join = (audience: Audience, members: readonly Member[]): void => {
  for (const member of members) audience.join(member, member.seat)
}
const offsetsOf = ({ client }: Member): number[] =>
  client.messages.flatMap((message) => {
    const frame = text(message)
    return frame
      .split('\n')
      .map((line) => (JSON.parse(line) as { push: { pub: Publication } }).push.pub.offset ?? 0)
  })

describe('the way of a publication out of the node', () => {
  it.each([0, 1, 7, 500])(
    'is one encoding and one publish for %d subscribers, because work per subscriber does not scale (A1)',
    async (count) => {
      const { audience, members, publish } = await serveMembers(json(count))
      join(audience, members)
      let encodings = 0
      for (const offset of [1, 2, 3]) {
        const watched = publication(`{"n":${offset}}`, offset)
        const { data } = watched
        Object.defineProperty(watched, 'data', { get: () => ((encodings += 1), data) })
        audience.deliver('news', watched)
        await turn()
      }
      expect([encodings, publish.mock.calls.length, audience.delivered]).toEqual([3, 3, 3])
      await turn()
      for (const member of members) expect(offsetsOf(member)).toEqual([1, 2, 3])
    },
  )

  it('reaches nobody who listens to another channel, also when one name begins with the other', async () => {
    const { audience, members } = await serveMembers(json(1))
    join(audience, members)
    audience.deliver('new', publication('1', 1))
    audience.deliver('news:', publication('2', 2))
    await turn()
    await turn()
    expect(members.map(offsetsOf)).toEqual([[]])
  })

  it('[2.13] is one frame for what comes in one turn, at most 16 publications of it, because each frame costs a write (A3)', async () => {
    const { audience, members } = await serveMembers(json(1))
    join(audience, members)
    const many = Array.from({ length: 40 }, (_, n) => n + 1)
    for (const offset of many) audience.deliver('news', publication('1', offset))
    await turn()
    await turn()
    const [member] = members
    expect(member?.client.messages.map((frame) => text(frame).split('\n').length)).toEqual([16, 16, 8])
    expect(member === undefined ? [] : offsetsOf(member)).toEqual(many)
  })

  it('is a frame of its own where it is large: what the library would write at once is not made of small ones', async () => {
    const { audience, members } = await serveMembers(json(1))
    join(audience, members)
    const big = JSON.stringify('x'.repeat(9_000))
    for (const offset of [1, 2, 3]) audience.deliver('news', publication(big, offset))
    audience.deliver('news', publication(JSON.stringify('x'.repeat(200_000)), 4))
    await turn()
    await turn()
    expect(members[0]?.client.messages).toHaveLength(4)
  })

  it('gives each member what was delivered while it listened, in order, each once, whoever joins and leaves in between (A2)', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom('join' as const, 'leave' as const), who: fc.nat(2) }),
      fc.constant({ kind: 'deliver' as const, who: 0 }),
      fc.constant({ kind: 'turn' as const, who: 0 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
        const { audience, members } = await serveMembers(json(3))
        const expected = members.map((): number[] => [])
        let offset = 0
        for (const { kind, who } of steps) {
          const member = members[who]
          if (member === undefined) throw new Error('no member')
          if (kind === 'join') audience.join(member, member.seat)
          else if (kind === 'leave') audience.leave(member, member.seat)
          else if (kind === 'turn') await turn()
          else {
            offset += 1
            audience.deliver('news', publication('1', offset))
            for (const [n, { seat }] of members.entries()) if (seat.isListening) expected[n]?.push(offset)
          }
        }
        await turn()
        await turn()
        expect(members.map(offsetsOf)).toEqual(expected)
      }),
    )
  })

  it('[6.3] ends a connection that speaks JSON where the data is none, and delivers nothing false to it (A4)', async () => {
    const { audience, members } = await serveMembers(json(2))
    const [listening, other] = members
    if (listening === undefined || other === undefined) throw new Error('no members')
    audience.join(listening, listening.seat)
    audience.deliver('news', { data: Uint8Array.of(0xff), isBinary: true, offset: 1 })
    expect(await listening.client.closedWith).toEqual(Disconnects.inappropriateProtocol)
    await turn()
    expect([...listening.client.messages, ...other.client.messages]).toEqual([])
  })

  it('looks for who has to go where somebody may have to: all who speak Protobuf cost no walk (A4)', async () => {
    const { protobuf, json: plain } = websocketWires
    const { audience, members, subscribers } = await serveMembers(wishes(protobuf, protobuf, plain))
    const [first, second, reader] = members as [Member, Member, Member]
    const bytes: Publication = { data: Uint8Array.of(0xff), isBinary: true, offset: 1 }
    reader.seat = { ...reader.seat, choice: { kind: 'filter', matches: () => false } }
    join(audience, [first, second, reader])
    audience.deliver('news', bytes)
    expect(subscribers).not.toHaveBeenCalled()
    audience.leave(reader, reader.seat)
    audience.deliver('news', bytes)
    expect(subscribers).toHaveBeenCalledTimes(1)
  })

  it('tells of joins and leaves in the time between its own, like of publications: neither too much nor too little', async () => {
    const { audience, members } = await serveMembers(json(2))
    const [stays, comes] = members as [Member, Member]
    const announce = (user: string): void =>
      audience.announce('news', { channel: 'news', join: { info: { user, client: user } } })
    const heard = ({ client }: Member): unknown[] =>
      client.messages.flatMap((frame) =>
        text(frame)
          .split('\n')
          .map(
            (line) =>
              (JSON.parse(line) as { push: { join: { info: { user: string } } } }).push.join.info.user,
          ),
      )
    for (const member of members) member.seat = { ...member.seat, features: { pushesJoinLeave: true } }
    audience.joinJoinLeave(stays, stays.seat)
    announce('before')
    audience.joinJoinLeave(comes, comes.seat)
    announce('meanwhile')
    audience.leave(comes, comes.seat)
    announce('after')
    await turn()
    await turn()
    expect([heard(stays), heard(comes)]).toEqual([['before', 'meanwhile', 'after'], ['meanwhile']])
  })
})
