/**
 * Commands as both encodings can say them: a tree of fields with the types of the schema, drawn at random. What is wrong with the
 * bytes is added by whoever writes them.
 */
import { createHmac } from 'node:crypto'
import type { Chance } from '../fault/seeded.js'
import { anyChannel, anyJson, anyNumber, anyText, quoted } from './nasty.js'

export type Value =
  | { type: 'text'; value: string }
  /** As JSON writes it: it need not be one. */
  | { type: 'number'; value: string }
  | { type: 'flag'; value: boolean }
  /** Data: a JSON value as text. */
  | { type: 'data'; value: string }
  | { type: 'fields'; value: Fields }
  | { type: 'list'; value: readonly Value[] }
  | { type: 'map'; value: readonly (readonly [string, Value])[] }

/** In their order; a name may come twice. */
export type Fields = readonly (readonly [name: string, value: Value])[]

export interface Drawn {
  id: number
  method: string
  fields: Fields
}

export const tokenSecret = 'a secret of the fuzz, worth nothing'

const text = (value: string): Value => ({ type: 'text', value })
const flag = (value: boolean): Value => ({ type: 'flag', value })
const number = (value: string): Value => ({ type: 'number', value })
const fields = (value: Fields): Value => ({ type: 'fields', value })

type Maybe = readonly [string, Value] | undefined

const some = (all: readonly Maybe[]): Fields => all.filter((one) => one !== undefined)

const maybe = (chance: Chance, share: number, name: string, value: () => Value): Maybe =>
  chance.next() < share ? [name, value()] : undefined

/** A token of ours with claims that may be anything. */
export function anyToken(chance: Chance, own: Readonly<Record<string, unknown>> = {}): string {
  const draw = chance.next()
  if (draw < 0.15) return anyText(chance)
  const nowS = 1_800_000_000 // far enough
  const claims = {
    sub: chance.pick(['ana', 'ben', '', 'é', 'a'.repeat(300)]),
    ...(chance.next() < 0.5 ? { exp: chance.pick([nowS, 1, 0, -1, 4e9, 1e300]) } : {}),
    ...(chance.next() < 0.2 ? { info: JSON.parse(safeJson(chance)) as unknown } : {}),
    ...(chance.next() < 0.1 ? { channels: [anyChannel(chance), 'quick:a'] } : {}),
    ...(chance.next() < 0.1 ? { subs: { 'kept:a': {}, [anyChannel(chance)]: {} } } : {}),
    ...own,
  }
  const odd =
    draw < 0.25
      ? { ...claims, [chance.pick(['sub', 'exp', 'channel', 'nbf'])]: chance.pick([1, null, {}, 'x']) }
      : claims
  const alg = draw < 0.3 ? chance.pick(['none', 'HS512', 'RS256', '']) : 'HS256'
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const body = `${part({ alg, typ: 'JWT' })}.${part(odd)}`
  const secret = draw < 0.35 ? 'another' : tokenSecret
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
}

function safeJson(chance: Chance): string {
  const value = anyJson(chance, 1)
  try {
    JSON.parse(value)
    return value
  } catch {
    return '{}'
  }
}

const data = (chance: Chance): Value => {
  const draw = chance.next()
  const value =
    draw < 0.9 ? anyJson(chance) : JSON.stringify('x'.repeat(chance.whole(100, draw < 0.99 ? 5_000 : 60_000)))
  return { type: 'data', value }
}

function filter(chance: Chance, depth: number): Value {
  if (depth > 0 && chance.next() < 0.4) {
    const nodes = Array.from({ length: chance.whole(0, 3) }, () => filter(chance, depth - 1))
    return fields([
      ['op', text(chance.pick(['and', 'or', 'not', '', 'xor']))],
      ['nodes', { type: 'list', value: nodes }],
    ])
  }
  const cmp = ['eq', 'neq', 'in', 'nin', 'ex', 'nex', 'sw', 'ew', 'ct', 'lt', 'lte', 'gt', 'gte', '', 'like']
  const key = chance.pick(['a', 'b', '', 'é', '__proto__'])
  const value = chance.pick(['1', '1e9', '-0', '0x1', 'x', '', '9'.repeat(300), '1e999999999', '.'])
  return fields(
    some([
      maybe(chance, 0.95, 'key', () => text(key)),
      maybe(chance, 0.95, 'cmp', () => text(chance.pick(cmp))),
      maybe(chance, 0.7, 'val', () => text(value)),
      maybe(chance, 0.2, 'vals', () => ({ type: 'list', value: [text('1'), text(anyText(chance))] })),
      maybe(chance, 0.05, 'op', () => text('and')),
    ]),
  )
}

const subscribe = (chance: Chance): Fields =>
  some([
    maybe(chance, 0.995, 'channel', () => text(anyChannel(chance))),
    maybe(chance, 0.1, 'token', () => text(anyToken(chance, { channel: anyChannel(chance) }))),
    maybe(chance, 0.3, 'recover', () => flag(chance.next() < 0.9)),
    maybe(chance, 0.3, 'epoch', () => text(anyText(chance))),
    maybe(chance, 0.3, 'offset', () => number(anyNumber(chance))),
    maybe(chance, 0.1, 'data', () => data(chance)),
    maybe(chance, 0.2, 'positioned', () => flag(true)),
    maybe(chance, 0.2, 'recoverable', () => flag(true)),
    maybe(chance, 0.2, 'join_leave', () => flag(true)),
    maybe(chance, 0.15, 'delta', () => text(chance.next() < 0.98 ? 'fossil' : anyText(chance))),
    maybe(chance, 0.15, 'tf', () => filter(chance, chance.pick([0, 1, 3, 8, 70]))),
    maybe(chance, 0.2, 'flag', () => number(chance.pick(['0', '1', '2', '3', anyNumber(chance)]))),
    maybe(chance, 0.03, 'type', () => number(chance.pick(['0', '1', '2', '4', anyNumber(chance)]))),
  ])

export const connectFields = (chance: Chance): Fields =>
  some([
    maybe(chance, 0.5, 'token', () => text(anyToken(chance))),
    maybe(chance, 0.1, 'data', () => data(chance)),
    maybe(chance, 0.15, 'subs', () => ({
      type: 'map',
      value: Array.from(
        { length: chance.whole(0, 3) },
        () => [anyChannel(chance), fields(subscribe(chance))] as const,
      ),
    })),
    maybe(chance, 0.5, 'name', () => text(chance.next() < 0.5 ? 'js' : anyText(chance))),
    maybe(chance, 0.3, 'version', () => text(anyText(chance))),
    maybe(chance, 0.1, 'headers', () => ({
      type: 'map',
      value: [[chance.pick(['authorization', 'cookie', 'X-Odd', '']), text(anyText(chance))]],
    })),
    maybe(chance, 0.1, 'flag', () => number(anyNumber(chance))),
  ])

const channel = (chance: Chance): Maybe => maybe(chance, 0.997, 'channel', () => text(anyChannel(chance)))

/** The gateway's own rpc: what it reads is JSON within the data. */
function publishOnce(chance: Chance): Fields {
  const part = (share: number, name: string, value: () => string): string[] =>
    chance.next() < share ? [`${quoted(chance, name)}:${value()}`] : []
  const parts = [
    ...part(0.95, 'channel', () => quoted(chance, anyChannel(chance))),
    ...part(0.95, 'data', () => anyJson(chance)),
    ...part(0.95, 'key', () => quoted(chance, anyText(chance))),
    ...part(0.05, anyText(chance), () => anyJson(chance)),
  ]
  const value = chance.next() < 0.95 ? `{${parts.join(',')}}` : anyJson(chance)
  return [
    ['method', text('natter.publish')],
    ['data', { type: 'data', value }],
  ]
}

const requests: Readonly<Record<string, (chance: Chance) => Fields>> = {
  subscribe,
  unsubscribe: (chance) => some([channel(chance)]),
  publish: (chance) =>
    some([
      channel(chance),
      maybe(chance, 0.95, 'data', () => data(chance)),
      maybe(chance, 0.03, 'type', () => number(anyNumber(chance))),
      maybe(chance, 0.03, 'key', () => text(anyText(chance))),
    ]),
  presence: (chance) => some([channel(chance)]),
  presence_stats: (chance) => some([channel(chance)]),
  history: (chance) =>
    some([
      channel(chance),
      maybe(chance, 0.8, 'limit', () =>
        number(chance.pick(['0', '-1', '1', '10', '300', '301', anyNumber(chance)])),
      ),
      maybe(chance, 0.4, 'since', () =>
        fields(
          some([
            maybe(chance, 0.9, 'offset', () => number(anyNumber(chance))),
            maybe(chance, 0.5, 'epoch', () => text(anyText(chance))),
          ]),
        ),
      ),
      maybe(chance, 0.3, 'reverse', () => flag(true)),
    ]),
  rpc: (chance) =>
    chance.next() < 0.5
      ? publishOnce(chance)
      : some([
          maybe(chance, 0.9, 'method', () => text(anyText(chance))),
          maybe(chance, 0.9, 'data', () => data(chance)),
        ]),
  refresh: (chance) => some([maybe(chance, 0.9, 'token', () => text(anyToken(chance)))]),
  sub_refresh: (chance) => some([channel(chance), maybe(chance, 0.8, 'token', () => text(anyToken(chance)))]),
  connect: connectFields,
  send: (chance) => some([['data', data(chance)]]),
}

/** How often each is drawn: what closes the connection is rare, or nobody would get any further. */
const weights: readonly (readonly [string, number])[] = [
  ['subscribe', 30],
  ['unsubscribe', 14],
  ['publish', 22],
  ['presence', 7],
  ['presence_stats', 7],
  ['history', 10],
  ['rpc', 6],
  ['sub_refresh', 3],
  ['refresh', 0.3],
  ['connect', 0.2],
  ['send', 0.15],
  ['ping', 0.05],
  ['pong', 0.05],
]
const totalWeight = weights.reduce((sum, [, weight]) => sum + weight, 0)

function anyMethod(chance: Chance): string {
  let left = chance.next() * totalWeight
  for (const [method, weight] of weights) {
    left -= weight
    if (left < 0) return method
  }
  return 'publish'
}

/** `pong` and `ping` have no request. */
export function anyCommand(chance: Chance, id: number, method = anyMethod(chance)): Drawn {
  return {
    id: method === 'send' || method === 'pong' ? 0 : id,
    method,
    fields: requests[method]?.(chance) ?? [],
  }
}
