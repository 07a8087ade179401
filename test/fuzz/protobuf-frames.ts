/**
 * Commands as Protobuf, written by hand from the schema's numbers, so that the codec that is tested has no part in it; with what goes
 * wrong there: lengths that lie, wire types that don't fit, groups, numbers that are too long, fields that nobody knows.
 */
import type { Chance } from '../fault/seeded.js'
import type { Drawn, Fields, Value } from './commands.js'
import { randomBytes } from './nasty.js'

type Numbers = Readonly<Record<string, number>>

const filterNode: Numbers = { op: 1, key: 2, cmp: 3, val: 4, vals: 5, nodes: 6 }
const subscribeRequest: Numbers = {
  channel: 1,
  token: 2,
  recover: 3,
  epoch: 6,
  offset: 7,
  data: 8,
  positioned: 9,
  recoverable: 10,
  join_leave: 11,
  delta: 12,
  tf: 13,
  flag: 14,
  type: 15,
}

/** Of each request, by the name of its field in Command. */
const schema: Readonly<Record<string, Numbers>> = {
  connect: { token: 1, data: 2, subs: 3, name: 4, version: 5, headers: 6, flag: 7 },
  subscribe: subscribeRequest,
  unsubscribe: { channel: 1 },
  publish: { channel: 1, data: 2, type: 3, key: 4 },
  presence: { channel: 1 },
  presence_stats: { channel: 1 },
  history: { channel: 1, limit: 7, since: 8, reverse: 9 },
  ping: {},
  send: { data: 1 },
  rpc: { data: 1, method: 2 },
  refresh: { token: 1 },
  sub_refresh: { channel: 1, token: 2, type: 3 },
}
const inner: Readonly<Record<string, Numbers>> = {
  tf: filterNode,
  nodes: filterNode,
  since: { offset: 1, epoch: 2 },
  subs: subscribeRequest,
}
const commandNumbers: Numbers = {
  connect: 4,
  subscribe: 5,
  unsubscribe: 6,
  publish: 7,
  presence: 8,
  presence_stats: 9,
  history: 10,
  ping: 11,
  send: 12,
  rpc: 13,
  refresh: 14,
  sub_refresh: 15,
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let left = BigInt.asUintN(64, value)
  do {
    const low = Number(left & 0x7fn)
    left >>= 7n
    bytes.push(left === 0n ? low : low | 0x80)
  } while (left !== 0n)
  return Buffer.from(bytes)
}

const tag = (number: number, wireType: number): Buffer => varint(BigInt(number * 8 + wireType))

const delimited = (number: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([tag(number, 2), varint(BigInt(bytes.length)), bytes])

/** What a number says that JSON writes so, as a proto's integer would have it. */
function integer(text: string): bigint {
  const value = Number(text)
  if (!Number.isFinite(value)) return 0xffff_ffff_ffff_ffffn
  return /^-?\d+$/.test(text)
    ? BigInt.asUintN(64, BigInt(text))
    : BigInt(Math.trunc(Math.max(-1e18, Math.min(1e18, value))))
}

function field(chance: Chance, name: string, number: number, value: Value, wrong: number): Buffer {
  if (chance.next() < wrong) return wrongField(chance, number)
  switch (value.type) {
    case 'text':
    case 'data':
      return delimited(number, textBytes(chance, value.value, wrong))
    case 'number':
      return Buffer.concat([tag(number, 0), varint(integer(value.value))])
    case 'flag':
      return Buffer.concat([tag(number, 0), varint(value.value ? 1n : 0n)])
    case 'fields':
      return delimited(number, message(chance, inner[name] ?? {}, value.value, wrong))
    case 'list':
      return Buffer.concat(value.value.map((one) => field(chance, name, number, one, wrong)))
    case 'map':
      return Buffer.concat(
        value.value.map(([key, one]) => delimited(number, entry(chance, name, key, one, wrong))),
      )
  }
}

const textBytes = (chance: Chance, text: string, wrong: number): Buffer =>
  chance.next() < wrong ? randomBytes(chance, chance.whole(0, 40)) : Buffer.from(text)

const entry = (chance: Chance, name: string, key: string, value: Value, wrong: number): Buffer =>
  Buffer.concat([delimited(1, textBytes(chance, key, wrong)), field(chance, name, 2, value, wrong)])

/** Of any wire type, with any content. */
function wrongField(chance: Chance, number: number): Buffer {
  const claimed = chance.pick([
    0n,
    1n,
    127n,
    128n,
    70_000n,
    0x7fff_ffffn,
    0xffff_ffffn,
    0xffff_ffff_ffff_ffffn,
  ])
  switch (chance.whole(0, 8)) {
    case 0:
      return Buffer.concat([tag(number, 0), varint(claimed)])
    case 1:
      return Buffer.concat([tag(number, 2), varint(claimed), randomBytes(chance, chance.whole(0, 20))]) // a length that lies
    case 2:
      return Buffer.concat([tag(number, 0), Buffer.alloc(chance.whole(1, 20), 0xff)]) // a number without end
    case 3:
      return Buffer.concat([tag(number, chance.pick([1, 5])), randomBytes(chance, chance.whole(0, 9))])
    case 4:
      return tag(number, chance.pick([3, 4, 6, 7])) // groups, and what isn't there
    case 5:
      return Buffer.concat([varint(claimed), randomBytes(chance, chance.whole(0, 9))]) // any tag, field 0 too
    case 6:
      return nested(number, chance.pick([2, 64, 65, 500, 8_000]))
    case 7:
      return Buffer.concat([tag(number, 3), randomBytes(chance, chance.whole(0, 9)), tag(number, 4)])
    default:
      return delimited(chance.pick([number, 16, 999, 536_870_911]), randomBytes(chance, chance.whole(0, 30)))
  }
}

/** A message in a message in a message. */
function nested(number: number, depth: number): Buffer {
  let bytes: Buffer = Buffer.alloc(0)
  for (let left = depth; left > 0 && bytes.length < 30_000; left -= 1)
    bytes = delimited(left === 1 ? number : 6, bytes)
  return bytes
}

function message(chance: Chance, numbers: Numbers, fields: Fields, wrong: number): Buffer {
  const parts = fields.map(([name, value]) => field(chance, name, numbers[name] ?? 99, value, wrong))
  if (chance.next() < wrong / 2) parts.push(wrongField(chance, chance.whole(0, 20)))
  if (chance.next() < wrong / 2) parts.push(...parts.slice(0, 1))
  if (chance.next() < 0.05) parts.reverse()
  return Buffer.concat(parts)
}

function command(chance: Chance, { id, method, fields }: Drawn, wrong: number): Buffer {
  const parts: Buffer[] = []
  if (id !== 0) parts.push(Buffer.concat([tag(1, 0), varint(BigInt(id))]))
  const number = commandNumbers[method]
  if (number !== undefined)
    parts.push(delimited(number, message(chance, schema[method] ?? {}, fields, wrong)))
  if (chance.next() < wrong / 2) parts.push(wrongField(chance, chance.whole(0, 20)))
  return Buffer.concat(parts)
}

export function protobufFrame(chance: Chance, commands: readonly Drawn[], wrong: number): Buffer {
  const parts = commands.map((one) => {
    const bytes = command(chance, one, wrong)
    const length = chance.next() < wrong / 2 ? bytes.length + chance.whole(-3, 300) : bytes.length
    return Buffer.concat([varint(BigInt(Math.max(0, length))), bytes])
  })
  return Buffer.concat(parts)
}

/** What /emulation takes, by its fields. */
export const emulationBody = (node: string, session: string, data: Uint8Array): Buffer =>
  Buffer.concat([delimited(1, Buffer.from(node)), delimited(2, Buffer.from(session)), delimited(3, data)])

/** A request of a connection without its envelope, as unidirectional transports take it. */
export const bareRequest = (chance: Chance, method: string, fields: Fields, wrong: number): Buffer =>
  message(chance, schema[method] ?? {}, fields, wrong)
