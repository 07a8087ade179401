/** The npm package `centrifuge` is the witness: what we write is, byte for byte, what its own schema writes. */
import { describe, expect, it } from '@jest/globals'
import { Centrifuge } from 'centrifuge/build/protobuf'
import fc from 'fast-check'
import { Errors } from '../codes.js'
import type { Push, Reply } from '../messages.js'
import { protobufCodec } from './protobuf-codec.js'

const sdk = (
  new Centrifuge('ws://nowhere') as unknown as {
    _codec: { encodeReplies(replies: object[]): Uint8Array; decodeReplies(data: Uint8Array): object[] }
  }
)._codec

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const list = (frame: unknown): number[] => [...(frame as Uint8Array)]
const hex = (frame: unknown): string => Buffer.from(frame as Uint8Array).toString('hex')

const isZero = (value: unknown): boolean =>
  value === undefined ||
  value === 0 ||
  value === '' ||
  value === false ||
  (ArrayBuffer.isView(value) && value.byteLength === 0)

const fieldNames: Record<string, string> = { connInfo: 'conn_info', chanInfo: 'chan_info' }
const maps = new Set(['tags', 'subs', 'presence'])

/** The result and its one field have the same name. */
const isResult = (key: string, value: unknown): boolean =>
  key === 'presence' && Object.keys(Object(value)).join(',') === 'presence'

/** As the SDK's writer takes it: it writes zeros that are there, so they are taken away, but not from maps. */
function sdkForm(value: unknown, isMap = false): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  if (Array.isArray(value)) return value.map((each) => sdkForm(each))
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => isMap || !isZero(each))
      .map(([key, each]) => [
        isMap ? key : (fieldNames[key] ?? key),
        sdkForm(each, !isMap && maps.has(key) && !isResult(key, each)),
      ]),
  )
}

const bySdk = (reply: object): string => hex(sdk.encodeReplies([sdkForm(reply) as object]))

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ minLength: 50, maxLength: 300, size: 'max' }),
  fc.constantFrom('', 'a', 'é', 'x'.repeat(64), 'x'.repeat(65), `${'x'.repeat(63)}é`, 'x'.repeat(127)),
)
const count = fc.oneof(
  fc.nat(200),
  fc.nat(),
  fc.maxSafeNat(),
  fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 35, 127, 128),
)
const uint32 = fc.oneof(fc.nat(200), fc.integer({ min: 0, max: 0xffff_ffff }))
const flag = maybe(fc.boolean())
const data = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array() },
  fc.constantFrom(100, 127, 128, 1_000, 20_000).map((size) => new Uint8Array(size).fill(3)),
)
const keyed = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.dictionary(fc.oneof(text, fc.constant('constructor')), value, { maxKeys: 3, noNullPrototype: true })
const some = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> => fc.record(fields)

const info = some({ user: text, client: text, connInfo: maybe(data), chanInfo: maybe(data) })
const pub = some({
  data,
  info: maybe(info),
  offset: maybe(count),
  tags: maybe(keyed(text)),
  time: maybe(count),
  delta: flag,
})
const pubs = fc.array(pub, { maxLength: 3 })
const lifetime = { expires: flag, ttl: maybe(uint32) }
const position = {
  recoverable: flag,
  positioned: flag,
  epoch: maybe(text),
  offset: maybe(count),
  data: maybe(data),
}
const subscribed = some({
  ...lifetime,
  ...position,
  was_recovering: flag,
  recovered: flag,
  publications: maybe(pubs),
  delta: flag,
})
const connected = some({
  client: text,
  version: text,
  ...lifetime,
  data: maybe(data),
  subs: maybe(keyed(subscribed)),
  ping: maybe(uint32),
  pong: flag,
  session: maybe(text),
  node: maybe(text),
  time: maybe(count),
})
const nothing = fc.constant({})
const byMethod = (results: Record<string, fc.Arbitrary<object>>): fc.Arbitrary<object> =>
  fc.oneof(...Object.entries(results).map(([method, result]) => result.map((value) => ({ [method]: value }))))
const outcome = byMethod({
  error: some({ code: uint32, message: text, temporary: flag }),
  connect: connected,
  subscribe: subscribed,
  unsubscribe: nothing,
  publish: nothing,
  presence: keyed(info).map((presence) => ({ presence })),
  presence_stats: some({ num_clients: uint32, num_users: uint32 }),
  history: some({ publications: pubs, offset: count, epoch: text }),
  rpc: some({ data: maybe(data) }),
  refresh: some({ client: text, version: text, ...lifetime }),
  sub_refresh: some(lifetime),
})
const ofChannel = byMethod({
  pub,
  join: some({ info }),
  leave: some({ info }),
  unsubscribe: some({ code: uint32, reason: text }),
  subscribe: some(position),
})
const ofConnection = byMethod({
  message: some({ data }),
  connect: connected,
  disconnect: some({ code: uint32, reason: text }),
  refresh: some(lifetime),
})

describe('Protobuf encoding', () => {
  it('[18.1] replies are, byte for byte, what the SDK itself writes', () => {
    fc.assert(
      fc.property(uint32, outcome, (id, result) => {
        const reply = { id, ...result }
        expect(hex(protobufCodec.reply(reply as Reply))).toBe(bySdk(reply))
      }),
      { numRuns: 500 },
    )
  })

  it('[18.1] pushes are, byte for byte, what the SDK itself writes', () => {
    const push = fc.oneof(
      fc.tuple(text, ofChannel).map(([channel, of]): object => Object.assign({ channel }, of)),
      ofConnection,
    )
    fc.assert(
      fc.property(push, (pushed) => {
        expect(hex(protobufCodec.push(pushed as Push))).toBe(bySdk({ push: pushed }))
      }),
      { numRuns: 500 },
    )
  })

  it.each<[rule: string, frame: unknown, expected: number[]]>([
    ['[2.10] the ping is a single zero', protobufCodec.ping, [0]],
    ['[2.7] an empty result is there', protobufCodec.reply({ id: 5, publish: {} }), [4, 8, 5, 66, 0]],
    ['[2.7] unsubscribe', protobufCodec.reply({ id: 300, unsubscribe: {} }), [5, 8, 172, 2, 58, 0]],
    [
      '[18.1] an error',
      protobufCodec.reply({ id: 1, error: Errors.permissionDenied }),
      [25, 8, 1, 18, 21, 8, 103, 18, 17, ...bytes('permission denied')],
    ],
    [
      '[10.2] a publication',
      protobufCodec.push({ channel: 'a', pub: { data: bytes('0'), offset: 3 } }),
      [12, 34, 10, 18, 1, 97, 34, 5, 34, 1, 48, 48, 3],
    ],
    [
      '[10.2] subscribe without a position',
      protobufCodec.push({ channel: 'a', subscribe: {} }),
      [7, 34, 5, 18, 1, 97, 74, 0],
    ],
  ])('%s', (_rule, frame, expected) => {
    expect(list(frame)).toEqual(expected)
  })

  it('[2.10] frames are joined with nothing between them', () => {
    const frames = [
      protobufCodec.reply({ id: 1, publish: {} }),
      protobufCodec.ping,
      protobufCodec.reply({ id: 2, rpc: {} }),
    ]
    expect(list(protobufCodec.join(frames))).toEqual(frames.flatMap(list))
    expect(list(protobufCodec.join([protobufCodec.ping]))).toEqual([0])
  })

  it('[2.10] a frame stays as it is, whatever is written after it', () => {
    const sizes = fc.array(fc.oneof(fc.nat(300), fc.nat(40_000)), {
      minLength: 2,
      maxLength: 40,
      size: 'max',
    })
    fc.assert(
      fc.property(sizes, (all) => {
        const pushOf = (size: number, index: number): Push => ({
          channel: `c${index}`,
          pub: { data: new Uint8Array(size).fill(index), info: { user: 'é'.repeat(size % 99), client: 'c' } },
        })
        const frames = all.map((size, index) => protobufCodec.push(pushOf(size, index)))
        const read = sdk.decodeReplies(protobufCodec.join(frames) as Uint8Array)
        expect(read).toHaveLength(all.length)
        for (const [index, size] of all.entries())
          expect(hex(frames[index])).toBe(hex(protobufCodec.push(pushOf(size, index))))
      }),
      { numRuns: 30 },
    )
  })

  it('[2.10] the frames of many replies are whole, wherever the memory for them ends', () => {
    const ids = Array.from({ length: 20_000 }, (_, index) => index + 1)
    const frames = ids.map((id) => protobufCodec.reply({ id, publish: {} }))
    const read = sdk.decodeReplies(protobufCodec.join(frames) as Uint8Array) as {
      id: number
      publish: object
    }[]
    expect(read.map(({ id }) => id)).toEqual(ids)
    expect(read.every((reply) => Object.hasOwn(reply, 'publish'))).toBe(true)
  })

  it('[18.1] half a surrogate pair becomes U+FFFD: all text is UTF-8', () => {
    const frame = protobufCodec.push({ channel: 'a\ud800', unsubscribe: { code: 1, reason: '' } })
    expect(sdk.decodeReplies(frame as Uint8Array)).toMatchObject([{ push: { channel: 'a\ufffd' } }])
  })

  it('[8.2] data of a delta subscription goes out as the bytes it is', () => {
    const patch = Uint8Array.of(0, 255, 10)
    expect(protobufCodec.deltaData(patch)).toBe(patch)
  })
})
