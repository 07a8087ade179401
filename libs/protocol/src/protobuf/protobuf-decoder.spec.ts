/** The npm package `centrifuge` is the witness: its own schema writes what we read. */
import { describe, expect, it } from '@jest/globals'
import { Centrifuge } from 'centrifuge/build/protobuf'
import fc from 'fast-check'
import { jsonCodec } from '../json/json-codec.js'
import { Limits } from '../limits.js'
import type { Command } from '../messages.js'
import { MalformedFrameError } from '../protocol.errors.js'
import { decodeEmulationRequest } from './emulation-request.js'
import { protobufCodec } from './protobuf-codec.js'
import { countProtobuf } from './protobuf-decoder.js'

const sdk = (
  new Centrifuge('ws://nowhere') as unknown as {
    _codec: {
      encodeCommands(commands: object[]): Uint8Array
      encodeEmulationRequest(request: object): Uint8Array
    }
  }
)._codec

const { decode } = protobufCodec
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const written = (...commands: object[]): Uint8Array => Uint8Array.from(sdk.encodeCommands(commands))
/** Buffers of either kind, and pieces of one, are equal as text. */
const plain = (commands: Command[]): unknown =>
  JSON.parse(
    JSON.stringify(commands, (_key, value: unknown) =>
      ArrayBuffer.isView(value) ? Buffer.from(value as Uint8Array).toString('hex') : value,
    ),
  )

/** By hand: what no SDK would write. */
const varint = (value: number): number[] =>
  value < 0x80 ? [value] : [(value % 0x80) + 0x80, ...varint(Math.floor(value / 0x80))]
const tag = (field: number, wireType: number): number[] => varint(field * 8 + wireType)
const counted = (body: readonly number[]): number[] => [...varint(body.length), ...body]
const part = (field: number, ...body: number[]): number[] => [...tag(field, 2), ...counted(body)]
const text = (field: number, value: string): number[] => part(field, ...bytes(value))
const number = (field: number, value: number): number[] => [...tag(field, 0), ...varint(value)]
const frame = (...fields: number[][]): Uint8Array => Uint8Array.from(counted(fields.flat()))
const id = number(1, 1)

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })
const name = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', 'a', '\ufeffb', '\u0000', 'é\u{1f600}'),
)
const offset = fc.oneof(fc.nat(), fc.maxSafeNat())
const int32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })
const flag = fc.boolean()
/** No null: in JSON it reads as no data. */
const data = fc
  .json()
  .filter((json) => json.trim() !== 'null')
  .map((json) => JSON.parse(json) as unknown)
const { filter } = fc.letrec<{ filter: object }>((tie) => ({
  filter: fc.record(
    {
      op: name,
      key: name,
      cmp: name,
      val: name,
      vals: fc.array(name, { maxLength: 3 }),
      nodes: fc.array(tie('filter'), { maxLength: 3, depthIdentifier: 'filter' }),
    },
    { requiredKeys: [] },
  ),
}))
const subscribe = {
  channel: name,
  token: name,
  recover: flag,
  epoch: name,
  offset,
  positioned: flag,
  recoverable: flag,
  join_leave: flag,
  delta: fc.constantFrom('', 'fossil'),
  flag: fc.oneof(fc.nat(), fc.maxSafeInteger()),
  tf: filter,
  type: int32,
}
const some = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> =>
  fc.record(fields, { requiredKeys: [] })
const named = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.dictionary(fc.oneof(name, fc.constant('constructor')), value, { minKeys: 1, maxKeys: 3 })
const request = fc.oneof(
  some({ token: name, data, subs: named(some(subscribe)), name, version: name, headers: named(name) }).map(
    (connect) => ({ connect }),
  ),
  some({ ...subscribe, data }).map((of) => ({ subscribe: of })),
  some({ channel: name }).map((of) => ({ unsubscribe: of })),
  some({ channel: name, data, type: int32 }).map((of) => ({ publish: of })),
  some({ channel: name }).map((of) => ({ presence: of })),
  some({ channel: name }).map((of) => ({ presence_stats: of })),
  some({ channel: name, limit: int32, since: some({ offset, epoch: name }), reverse: flag }).map((of) => ({
    history: of,
  })),
  some({ data, method: name }).map((of) => ({ rpc: of })),
  some({ data }).map((of) => ({ send: of })),
  some({ token: name }).map((of) => ({ refresh: of })),
  some({ channel: name, token: name, type: int32 }).map((of) => ({ sub_refresh: of })),
  fc.constant({}),
)
const command = fc
  .tuple(maybe(fc.integer({ min: 0, max: 0xffff_ffff })), request)
  .map(([number_, of]): object => (number_ === undefined ? of : Object.assign({ id: number_ }, of)))

/** The same command with its data as the bytes of the JSON, which is where JSON and Protobuf differ. */
function withBytes(sent: object): object {
  return Object.fromEntries(
    Object.entries(sent).map(([key, value]: [string, unknown]) => {
      if (typeof value !== 'object' || value === null || !('data' in value)) return [key, value]
      return [key, { ...value, data: bytes(JSON.stringify(value.data)) }]
    }),
  )
}

describe('Protobuf decoding', () => {
  it('[18.2] reads what the SDK writes as JSON of the same commands is read, so that nothing behind a codec tells them apart', () => {
    fc.assert(
      fc.property(fc.array(command, { minLength: 1, maxLength: 4 }), (commands) => {
        const json = bytes(commands.map((each) => JSON.stringify(each)).join('\n'))
        expect(plain(decode(written(...commands.map(withBytes))))).toEqual(plain(jsonCodec.decode(json)))
      }),
      { numRuns: 1_000 },
    )
  })

  it('[2.9] known bytes', () => {
    expect(decode(Uint8Array.from([14, 8, 7, 58, 10, 10, 4, 114, 111, 111, 109, 18, 2, 49, 50]))).toEqual([
      { id: 7, method: 'publish', request: { channel: 'room', data: bytes('12') } },
    ])
    expect(decode(Uint8Array.from([4, 8, 1, 34, 0]))).toEqual([{ id: 1, method: 'connect', request: {} }])
  })

  it('[2.9] [2.10] an empty command is a pong; one message holds commands one after the other', () => {
    expect(decode(Uint8Array.of(0))).toEqual([{ id: 0, method: 'pong' }])
    expect(decode(written({ id: 1, presence: { channel: 'a' } }, {}, { id: 2, rpc: {} }))).toEqual([
      { id: 1, method: 'presence', request: { channel: 'a' } },
      { id: 0, method: 'pong' },
      { id: 2, method: 'rpc', request: {} },
    ])
  })

  it('[2.11] data is any bytes, and stays when the message is gone, because the message is only lent', () => {
    const sizes = fc.oneof(
      fc.uint8Array(),
      fc.integer({ min: 1_000, max: 3_000 }).map((size) => new Uint8Array(size).fill(7)),
    )
    fc.assert(
      fc.property(sizes, (sent) => {
        const message = written(
          { id: 1, publish: { channel: 'a', data: sent } },
          { send: { data: sent } },
          { id: 2, rpc: { method: 'm', data: sent } },
          { id: 3, subscribe: { channel: 'a', data: sent } },
          { id: 4, connect: { data: sent } },
        )
        const commands = decode(message)
        message.fill(0)
        const expected = sent.length === 0 ? undefined : [...sent]
        for (const one of commands) {
          if (!('request' in one)) throw new Error(one.method)
          const { data: read } = one.request as { data?: Uint8Array }
          expect(read && [...read]).toEqual(expected)
        }
      }),
    )
  })

  it.each([
    ['an empty message', Uint8Array.of()],
    ['a length without its command', Uint8Array.of(3)],
    ['a length that goes on', Uint8Array.of(0x80)],
    ['a length beyond the end', Uint8Array.of(4, 8, 1, 34)],
    ['a length beyond any memory', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0)],
    ['a length beyond 32 bits', Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x10, 0)],
    ['a command after a good one that is cut off', Uint8Array.of(0, 2, 8)],
    ['a number that is cut off', frame([8, 0x80])],
    ['a number of eleven bytes', frame([8, ...Array.from({ length: 10 }, () => 0x80), 0])],
    ['a field with the number 0', frame([0x02, 0])],
    ['a field number beyond 29 bits', frame([0xa2, 0x81, 0x80, 0x80, 0x10, 0])],
    ['a group', frame([...tag(20, 3), ...tag(20, 4)])],
    ['the end of a group', frame(tag(20, 4))],
    ['a field of kind 6', frame(tag(20, 6))],
    ['an unknown field that is cut off', frame([...tag(20, 1), 1, 2, 3])],
    ['an unknown text that is cut off', frame([...tag(20, 2), 9, 1])],
    ['an id that is text', frame(text(1, '1'))],
    ['a request that is a number', frame(id, number(4, 1))],
    ['a channel that is a number', frame(id, part(7, ...number(1, 1)))],
    ['a flag that is text', frame(id, part(5, ...text(3, 'yes')))],
    ['an offset that is text', frame(id, part(5, ...text(7, '1')))],
    ['an offset that a double cannot hold', frame(id, part(5, ...number(7, 2 ** 53)))],
    ['an offset of 64 bits', frame(id, part(5, ...tag(7, 0), ...Array.from({ length: 9 }, () => 0xff), 1))],
    ['a flag value that a double cannot hold', frame(id, part(5, ...number(14, 2 ** 53)))],
    [
      'a request that leads into the next command',
      Uint8Array.of(...counted([...id, ...tag(7, 2), 4, ...text(1, 'a')]), 2, 8, 1),
    ],
    ['a text that leads out of its request', frame(id, part(7, ...tag(1, 2), 2, 65), number(2, 66))],
    ['a number that leads out of its request', frame(id, part(10, ...tag(7, 0), 0x80), number(2, 1))],
    ['a number that begins where its request ends', frame(id, part(10, ...tag(7, 0)), number(2, 1))],
    [
      'an unknown field that leads out of its request',
      frame(id, part(10, ...tag(20, 5), 1, 2), number(2, 1)),
    ],
    ['a request longer than its command', frame(id, [...tag(7, 2), 9, ...text(1, 'a')])],
    ['a channel longer than its request', Uint8Array.of(6, ...tag(7, 2), 3, ...tag(1, 2), 2, 65, 65)],
    ['a channel that is not UTF-8', frame(id, part(7, ...part(1, 0xff)))],
    ['a token that is not UTF-8', frame(id, part(4, ...part(1, 0xc3)))],
    ['half a surrogate pair', frame(id, part(7, ...part(1, 0xed, 0xa0, 0x80)))],
    ['a header that is not UTF-8', frame(id, part(4, ...part(6, ...text(1, 'a'), ...part(2, 0xff))))],
    ['a delta that nobody knows', frame(id, part(5, ...text(1, 'a'), ...text(12, 'xor')))],
    ['a second request of a wrong shape', frame(id, part(7, ...text(1, 'a')), part(13, ...number(1, 3)))],
  ])('[2.9] [2.12] refused as malformed: %s', (_what, message) => {
    expect(() => decode(message)).toThrow(MalformedFrameError)
  })

  it('[2.12] whatever the bytes are, it is commands or MalformedFrameError', () => {
    const change = fc.tuple(fc.nat(), fc.nat(2), fc.integer({ min: 0, max: 255 }))
    const nearly = fc
      .tuple(
        fc.array(command, { minLength: 1, maxLength: 2 }),
        fc.array(change, { minLength: 1, maxLength: 4 }),
      )
      .map(([commands, changes]) => {
        const message = [...written(...commands.map(withBytes))]
        for (const [at, gone, byte] of changes) message.splice(at % message.length, gone, byte)
        return Uint8Array.from(message)
      })
    const seen = { good: 0, bad: 0 }
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 40, size: 'max' }), nearly), (message) => {
        try {
          decode(message)
          seen.good += 1
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedFrameError)
          seen.bad += 1
        }
      }),
      { numRuns: 3_000 },
    )
    expect(seen.good).toBeGreaterThan(0)
    expect(seen.bad).toBeGreaterThan(0)
  })

  it('[2.12] unknown fields of every kind are skipped, because newer SDKs send some', () => {
    const unknown = [
      number(30, 5),
      [...tag(31, 1), 1, 2, 3, 4, 5, 6, 7, 8],
      text(32, 'x'),
      [...tag(33, 5), 1, 2, 3, 4],
      [...tag(34, 0), ...Array.from({ length: 9 }, () => 0xff), 1],
    ].flat()
    const known = part(8, ...unknown, ...text(1, 'a'), ...unknown)
    expect(decode(frame(unknown, id, known, unknown))).toEqual([
      { id: 1, method: 'presence', request: { channel: 'a' } },
    ])
  })

  it('[18.1] fields that come twice: the last value wins, also a zero; messages are merged; lists go on', () => {
    const first = part(
      5,
      ...text(1, 'a'),
      ...text(2, 't'),
      ...number(7, 5),
      ...part(13, ...text(1, 'and'), ...part(6)),
    )
    const again = part(
      5,
      ...text(1, 'b'),
      ...text(2, ''),
      ...number(3, 1),
      ...part(13, ...text(5, 'v'), ...part(6)),
    )
    expect(decode(frame(number(1, 9), first, again, id))).toEqual([
      {
        id: 1,
        method: 'subscribe',
        request: { channel: 'b', recover: true, offset: 5, tf: { op: 'and', vals: ['v'], nodes: [{}, {}] } },
      },
    ])
    const since = part(10, ...part(8, ...number(1, 4)), ...part(8, ...text(2, 'e')))
    expect(decode(frame(id, since))).toMatchObject([{ request: { since: { offset: 4, epoch: 'e' } } }])
    expect(decode(frame(part(12, ...text(1, 'x')), part(12)))).toMatchObject([
      { request: { data: bytes('x') } },
    ])
  })

  it('[18.1] entries of a map: the last of a key wins as a whole; a key or value that is absent is empty', () => {
    const entry = (...fields: number[][]): number[] => part(3, ...fields.flat())
    const sub = (...fields: number[][]): number[] => part(2, ...fields.flat())
    const subs = [
      entry(text(1, 'a'), sub(text(2, 't'))),
      entry(sub(text(6, 'e')), text(1, 'a')),
      entry(sub(text(1, 'another'), text(6, 'f'))),
      entry(text(1, '__proto__')),
    ]
    const headers = [
      part(6, ...text(1, 'h'), ...text(2, 'v')),
      part(6, ...text(1, 'h')),
      part(6, ...text(2, 'w')),
    ]
    const [connect] = decode(frame(id, part(4, ...[...subs, ...headers].flat())))
    if (connect?.method !== 'connect') throw new Error('not a connect')
    expect(Object.entries(connect.request.subs ?? {})).toEqual([
      ['a', { channel: 'a', epoch: 'e' }],
      ['', { channel: '', epoch: 'f' }],
      ['__proto__', { channel: '__proto__' }],
    ])
    expect(Object.entries(connect.request.headers ?? {})).toEqual([['', 'w']])
  })

  it('[18.1] numbers that their type cannot hold lose their upper bits, as proto3 has it', () => {
    const ones = Array.from({ length: 9 }, () => 0xff)
    expect(decode(frame([8, 0x81, 0x80, 0x80, 0x80, 0x10], part(13)))).toMatchObject([{ id: 1 }])
    expect(decode(frame(id, part(10, ...tag(7, 0), ...ones, 1)))).toMatchObject([{ request: { limit: -1 } }])
    expect(decode(frame(id, part(10, ...tag(7, 0), 0xff, 0xff, 0xff, 0xff, 0x0f)))).toMatchObject([
      { request: { limit: -1 } },
    ])
    expect(decode(frame(id, part(10, ...tag(9, 0), 0x80, 0x80, 0x80, 0x80, 0x10)))).toMatchObject([
      { request: { reverse: true } },
    ])
  })

  it('[3.4] no id and no send is a pong, whatever else is set; send needs no id', () => {
    expect(decode(written({ publish: { channel: 'a' } }))).toEqual([{ id: 0, method: 'pong' }])
    expect(decode(written({ publish: { channel: 'a' }, send: {} }))).toEqual([
      { id: 0, method: 'send', request: {} },
    ])
  })

  it('[3.5] an id without a request that we know is unknown', () => {
    expect(decode(written({ id: 3 }, { id: 3, ping: {} }))).toEqual([
      { id: 3, method: 'unknown' },
      { id: 3, method: 'unknown' },
    ])
  })

  it('[3.5] of several requests the first in the fixed order is taken, whatever order they came in', () => {
    const order: [method: string, field: number][] = [
      ['connect', 4],
      ['subscribe', 5],
      ['unsubscribe', 6],
      ['publish', 7],
      ['presence', 8],
      ['presence_stats', 9],
      ['history', 10],
      ['rpc', 13],
      ['send', 12],
      ['refresh', 14],
      ['sub_refresh', 15],
    ]
    fc.assert(
      fc.property(fc.shuffledSubarray(order, { minLength: 1 }), (set) => {
        const [taken] = decode(frame(id, ...set.map(([, field]) => part(field))))
        expect(taken?.method).toBe(order.find((each) => set.includes(each))?.[0])
      }),
    )
  })

  it('[3.11] commands are counted without being read, as many as there are; of anything else some number', () => {
    fc.assert(
      fc.property(fc.array(command, { minLength: 1, maxLength: 6 }), (commands) => {
        expect(countProtobuf(written(...commands.map(withBytes)))).toBe(commands.length)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30, size: 'max' }), (message) => {
        const count = countProtobuf(message)
        expect(count).toBeLessThanOrEqual(message.length)
        expect(count > 0).toBe(message.length > 0)
      }),
    )
  })

  it('[14.1] a tags filter may be as deep as its readers recurse, and no deeper', () => {
    const nested = (depth: number): number[] => (depth === 1 ? [] : part(6, ...nested(depth - 1)))
    const subscribed = (depth: number): Uint8Array =>
      frame(id, part(5, ...text(1, 'a'), ...part(13, ...nested(depth))))
    expect(decode(subscribed(Limits.maxFilterDepth))).toHaveLength(1)
    expect(() => decode(subscribed(Limits.maxFilterDepth + 1))).toThrow(MalformedFrameError)
  })
})

describe('the body of an emulation request', () => {
  it('[15.4] is read as the SDK writes it: node, session, commands', () => {
    const commands = written({ id: 1, rpc: {} })
    const body = Uint8Array.from(sdk.encodeEmulationRequest({ node: 'n', session: 's', data: commands }))
    const read = decodeEmulationRequest(body)
    expect({ ...read, data: decode(read.data) }).toEqual({ node: 'n', session: 's', data: decode(commands) })
  })

  it('[15.5] what is absent is empty; anything else is malformed', () => {
    expect(decodeEmulationRequest(new Uint8Array(0))).toEqual({
      node: '',
      session: '',
      data: new Uint8Array(0),
    })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12, size: 'max' }), (body) => {
        try {
          decodeEmulationRequest(body)
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedFrameError)
        }
      }),
    )
    expect(() => decodeEmulationRequest(Uint8Array.of(10))).toThrow(MalformedFrameError)
  })
})
