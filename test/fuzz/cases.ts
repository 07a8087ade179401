/**
 * What is tried, by number: the same seed and number are the same case, whatever was tried before. Pure.
 *
 * C1. Most connections are let in and mostly send what SDKs might send, or nothing behind the first check would ever be reached.
 * C2. Floods come from addresses of their own: who floods is held down by its address, and the others are not to share that.
 */
import { chance as seeded, type Chance } from '../fault/seeded.js'
import type { Carrier, Case, Conversation, Encoding, Request, Step } from './case.js'
import { anyCommand, anyToken, connectFields, type Drawn } from './commands.js'
import { anyRequest, brokenFrame, postHead, streamHead, webSocketHead } from './heads.js'
import { jsonCommand, jsonFrame } from './json-frames.js'
import { anyJson, damaged, randomBytes } from './nasty.js'
import { bareRequest, emulationBody, protobufFrame } from './protobuf-frames.js'

export interface Mix {
  carriers: readonly Carrier[]
  encodings: readonly Encoding[]
  /** Whether single HTTP requests are among them. */
  hasRequests: boolean
}

export const everything: Mix = {
  carriers: ['websocket', 'http_stream', 'sse', 'uni_websocket', 'uni_sse', 'uni_http_stream'],
  encodings: ['json', 'protobuf'],
  hasRequests: true,
}

/** How much is wrong, of all values. */
const clean = 0
const hardly = 0.004
const much = 0.15

const floodersNet = '127.0.9.'

export const isFlood = (from: string): boolean => from.startsWith(floodersNet)

export function caseOf(seed: number, number: number, mix: Mix): Case {
  const chance = seeded(seed, `case/${number}`)
  const floods = chance.next() < 0.004
  const from = floods
    ? `${floodersNet}${chance.whole(1, 250)}`
    : `127.0.${chance.whole(2, 8)}.${chance.whole(1, 250)}` // C2
  return { number, from, what: floods ? flood(chance, mix) : something(chance, mix) }
}

function something(chance: Chance, mix: Mix): Conversation | Request {
  const draw = chance.next()
  if (mix.hasRequests && draw < 0.12) return anyRequest(chance, anyBody(chance, mix))
  const carrier = draw < 0.65 ? 'websocket' : chance.pick(mix.carriers)
  const encodings = mix.encodings.filter((one) => one === 'json' || speaksProtobuf.has(carrier))
  return carrier.startsWith('uni_')
    ? listening(chance, carrier, chance.pick(encodings))
    : talk(chance, carrier, chance.pick(encodings))
}

/** The others are text alone. */
const speaksProtobuf: ReadonlySet<Carrier> = new Set(['websocket', 'http_stream'])

const frame = (chance: Chance, encoding: Encoding, commands: readonly Drawn[], wrong: number): Buffer =>
  encoding === 'json' ? jsonFrame(chance, commands, wrong) : protobufFrame(chance, commands, wrong)

/** C1: now and then the first command is anything. */
function anyConnect(chance: Chance): Drawn {
  const draw = chance.next()
  if (draw < 0.05) return anyCommand(chance, 1)
  if (draw < 0.2) return { id: 1, method: 'connect', fields: connectFields(chance) }
  const token = { type: 'text', value: anyToken(chance, { exp: 4_000_000_000 }) } as const
  return { id: 1, method: 'connect', fields: chance.next() < 0.1 ? [['token', token]] : [] }
}

function talk(chance: Chance, carrier: Carrier, encoding: Encoding): Conversation {
  const wrong = chance.pick([clean, clean, hardly, hardly, hardly, much])
  const isTogether = chance.next() < 0.4 // connect and the first commands in one frame, as SDKs do
  let id = 1
  const commands = (count: number): Drawn[] =>
    Array.from({ length: count }, () => anyCommand(chance, (id += 1)))
  const together = isTogether ? commands(chance.whole(1, 6)) : []
  const first = frame(
    chance,
    encoding,
    [anyConnect(chance), ...together],
    chance.next() < 0.8 ? clean : wrong,
  )
  const steps: Step[] = []
  if (chance.next() < 0.5 || carrier !== 'websocket') steps.push({ kind: 'connected' })
  const [fewest, most] = chance.next() < 0.1 ? [0, 1] : [3, 14]
  for (let left = chance.whole(fewest, most); left > 0; left -= 1)
    steps.push(...oneStep(chance, { carrier, encoding, wrong, commands }))
  const isBroken = steps.some(({ kind }) => kind === 'bytes')
  if (isBroken || chance.next() < 0.12)
    steps.push({ kind: 'leave', how: isBroken ? 'reset' : goodbye(chance, carrier) })
  return opened(chance, carrier, encoding, first, steps)
}

const goodbye = (chance: Chance, carrier: Carrier): Extract<Step, { kind: 'leave' }>['how'] =>
  chance.pick(carrier === 'websocket' ? ['reset', 'half-close', 'close-frame'] : ['reset'])

interface Talk {
  carrier: Carrier
  encoding: Encoding
  wrong: number
  commands(count: number): Drawn[]
}

function oneStep(chance: Chance, { carrier, encoding, wrong, commands }: Talk): Step[] {
  const draw = chance.next()
  const isBinary = encoding === 'protobuf'
  const message = (bytes: Buffer): Step => ({ kind: 'message', bytes, isBinary })
  if (draw < 0.9)
    return [message(frame(chance, encoding, commands(chance.next() < 0.6 ? 1 : chance.whole(2, 8)), wrong))]
  if (draw < 0.93) return [overlap(chance, commands, (all) => message(frame(chance, encoding, all, clean)))]
  if (draw < 0.945)
    return [message(damaged(chance, frame(chance, encoding, commands(chance.whole(1, 3)), wrong)))]
  if (draw < 0.955) return [message(garbage(chance))]
  if (carrier !== 'websocket') return [anyPost(chance, encoding, commands)]
  if (draw < 0.97) return [{ kind: 'bytes', bytes: brokenFrame(chance) }]
  const bytes = frame(chance, encoding, commands(2), clean)
  if (draw < 0.98) return [{ kind: 'message', bytes, isBinary: !isBinary }]
  return [{ kind: 'message', bytes, isBinary, fragments: chance.whole(2, 6) }]
}

/** Subscribe, and away with it before it is there; then again. */
function overlap(chance: Chance, commands: Talk['commands'], message: (all: readonly Drawn[]) => Step): Step {
  const [first] = commands(1)
  const channel = {
    type: 'text',
    value: chance.pick(['kept:a', 'seen:a', 'short:a', `kept:once-${chance.whole(0, 1e6)}`]),
  } as const
  const methods = chance.pick([
    ['subscribe', 'unsubscribe'],
    ['subscribe', 'unsubscribe', 'subscribe', 'publish'],
    ['subscribe', 'subscribe', 'unsubscribe', 'unsubscribe'],
    ['subscribe', 'publish', 'unsubscribe', 'publish', 'history'],
  ])
  const start = first?.id ?? 2
  const data = ['data', { type: 'data', value: '{"x":1}' }] as const
  return message([
    ...(first === undefined ? [] : [first]),
    ...methods.map((method, n): Drawn => ({
      id: start + n + 1_000,
      method,
      fields: method === 'publish' ? [['channel', channel], data] : [['channel', channel]],
    })),
  ])
}

function garbage(chance: Chance): Buffer {
  const draw = chance.next()
  if (draw < 0.2) return Buffer.alloc(0)
  if (draw < 0.6) return randomBytes(chance, chance.whole(1, 200))
  if (draw < 0.9) return Buffer.from(anyJson(chance))
  return Buffer.alloc(
    chance.pick([65_535, 65_536, 65_537, 70_000]),
    chance.pick(['[', '{', '\n', ' ', '\u0000', '"', '{}\n', '\u0008']),
  )
}

/** A POST that knows no session, or writes it in its own way. */
function anyPost(chance: Chance, encoding: Encoding, commands: Talk['commands']): Step {
  const told = encoding === 'protobuf' ? protobufPost(chance, commands) : jsonPost(chance, commands)
  const body = chance.next() < 0.3 ? damaged(chance, told) : told
  return { kind: 'post', head: postHead(encoding, body.length), body, isWellFormed: true }
}

const oddNames = ['', 'nobody', 'a'.repeat(300), '*', '>', 'a.b', '\u0000', '../x', 'fuzzed']

const jsonPost = (chance: Chance, commands: Talk['commands']): Buffer => {
  const data = jsonFrame(chance, commands(1), much).toString('utf8')
  const said = {
    session: chance.pick(oddNames),
    node: chance.pick(oddNames),
    data: chance.pick([data, 1, null, { a: 1 }, '']),
  }
  return Buffer.from(
    JSON.stringify(chance.next() < 0.8 ? said : { ...said, [chance.pick(['session', 'node'])]: 5 }),
  )
}

const protobufPost = (chance: Chance, commands: Talk['commands']): Buffer =>
  emulationBody(chance.pick(oddNames), chance.pick(oddNames), protobufFrame(chance, commands(1), much))

/** Who only listens: one request, and what the server makes of it. */
function listening(chance: Chance, carrier: Carrier, encoding: Encoding): Conversation {
  const wrong = chance.pick([clean, hardly, much])
  const fields = chance.next() < 0.6 ? [['subs', anySubs(chance)] as const] : connectFields(chance)
  const request =
    encoding === 'protobuf'
      ? bareRequest(chance, 'connect', fields, wrong)
      : Buffer.from(bareJson(jsonCommand(chance, { id: 0, method: 'connect', fields }, wrong)))
  const body = chance.next() < 0.1 ? damaged(chance, request) : request
  const steps: Step[] = [{ kind: 'connected' }]
  if (carrier === 'uni_websocket' && chance.next() < 0.2)
    steps.push({ kind: 'message', bytes: garbage(chance), isBinary: false })
  steps.push({ kind: 'leave', how: 'reset' })
  return opened(chance, carrier, encoding, body, steps)
}

const anySubs = (chance: Chance) => ({
  type: 'map' as const,
  value: [
    [
      chance.pick(['kept:a', 'quick:a', 'cached:a', 'nowhere:x']),
      { type: 'fields' as const, value: [] },
    ] as const,
  ],
})

/** The request out of its command, where it is one. */
const bareJson = (command: string): string => /^\s*\{"connect":(.*)\}\s*$/s.exec(command)?.[1] ?? command

function opened(
  chance: Chance,
  carrier: Carrier,
  encoding: Encoding,
  first: Buffer,
  steps: Step[],
): Conversation {
  const kind = 'conversation'
  if (carrier === 'websocket' || carrier === 'uni_websocket') {
    const isInQuery = carrier === 'uni_websocket' && chance.next() < 0.5
    const query = isInQuery ? `cf_connect=${encodeURIComponent(first.toString('utf8'))}` : ''
    const message: Step = { kind: 'message', bytes: first, isBinary: encoding === 'protobuf' }
    const head = webSocketHead(chance, carrier, encoding, query)
    return { kind, carrier, encoding, head, steps: isInQuery ? steps : [message, ...steps] }
  }
  return { kind, carrier, encoding, ...streamHead(chance, carrier, encoding, first), steps }
}

/** More at once than anybody may. */
function flood(chance: Chance, { encodings }: Mix): Conversation {
  const encoding = chance.pick(encodings)
  const isBinary = encoding === 'protobuf'
  let id = 1
  const methods = chance.pick([
    ['subscribe'],
    ['subscribe', 'unsubscribe'],
    ['publish'],
    ['presence_stats', 'history'],
  ])
  const commands = Array.from({ length: chance.pick([140, 600, 2_000]) }, () =>
    anyCommand(chance, (id += 1), chance.pick(methods)),
  )
  const perFrame = chance.pick([50, 200])
  const steps: Step[] = [
    {
      kind: 'message',
      bytes: frame(chance, encoding, [{ id: 1, method: 'connect', fields: [] }], clean),
      isBinary,
    },
  ]
  for (let at = 0; at < commands.length; at += perFrame)
    steps.push({
      kind: 'message',
      bytes: frame(chance, encoding, commands.slice(at, at + perFrame), clean),
      isBinary,
    })
  if (chance.next() < 0.3) steps.push({ kind: 'leave', how: 'reset' })
  return {
    kind: 'conversation',
    carrier: 'websocket',
    encoding,
    head: webSocketHead(chance, 'websocket', encoding),
    steps,
  }
}

function anyBody(chance: Chance, { encodings }: Mix): Buffer {
  const draw = chance.next()
  if (draw < 0.3) return Buffer.from(anyJson(chance))
  if (draw < 0.5) return randomBytes(chance, chance.whole(0, 300))
  if (draw < 0.55) return Buffer.alloc(chance.pick([65_536, 65_537, 200_000, 1_000_000]), '{')
  const encoding = chance.pick(encodings)
  return frame(
    chance,
    encoding,
    [anyCommand(chance, 1, 'connect'), anyCommand(chance, 2)],
    chance.pick([clean, hardly, much]),
  )
}
