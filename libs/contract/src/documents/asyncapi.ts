/**
 * A contract as an AsyncAPI 3.0 document, and back. All of a contract is in it, so what is committed can be compared.
 *
 * A1. The same contract is the same text, byte for byte: keys in their order, nothing of the time or the machine.
 * A2. `readAsyncApi(asyncApi(contract))` is the contract.
 * A3. Operations are the app's, as AsyncAPI has them: it receives what clients say, and sends publications.
 */
import { InvalidError } from '@natter/primitives'
import { isParameter, type ChannelContract, type Contract } from '../contract.js'
import { isObject, pointerPart, sorted, type Schema } from '../json/schema.js'
import { Components, standalone } from './components.js'

/** Where the committed contract is, in its folder. */
export const asyncApiFile = 'contract.asyncapi.json'

const kindKey = 'x-natter-kind'
const nameKey = 'x-natter-name'
const answersKey = 'x-natter-answers'

type Kind = 'connect' | 'channel' | 'rpc' | 'events'

interface Place {
  kind: Kind
  /** As the contract has it. */
  name: string
  channel: Schema
  messages: readonly Message[]
}

interface Message {
  name: string
  payload: Schema
  /** Of the app. */
  action: 'receive' | 'send'
  summary: string
}

export function asyncApi(contract: Contract): Schema {
  const components = new Components()
  const channels: Record<string, unknown> = {}
  const operations: Record<string, unknown> = {}
  for (const place of placesOf(contract)) {
    const id = place.name === '' ? place.kind : `${place.kind} ${place.name}`
    channels[id] = channelOf(place, id, components)
    Object.assign(operations, place.kind === 'rpc' ? rpcOperation(place, id) : operationsOf(place, id))
  }
  return sorted({
    asyncapi: '3.0.0',
    info: {
      title: contract.app,
      version: '1',
      description:
        'What clients of this app may rely on. Written by natter contract; change the app, not this file.',
    },
    defaultContentType: 'application/json',
    channels,
    operations,
    components: { schemas: components.schemas },
  }) as Schema
}

function placesOf({ connect, channels, rpc, events }: Contract): Place[] {
  const entries = <T>(table: Readonly<Record<string, T>>): [string, T][] =>
    Object.entries(table).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const said = (name: string, payload: Schema, summary: string): Message => ({
    name,
    payload,
    action: 'receive',
    summary,
  })
  const heard = entries(events).map(([name, payload]) =>
    said(name, payload, 'A client sends it, and awaits no answer'),
  )
  return [
    {
      kind: 'connect',
      name: '',
      channel: { address: null },
      messages: [said('connect', connect, 'What a client says when it connects')],
    },
    ...(heard.length === 0
      ? []
      : [{ kind: 'events' as const, name: '', channel: { address: null }, messages: heard }]),
    ...entries(channels).map(([pattern, channel]) => placeOfChannel(pattern, channel)),
    ...entries(rpc).map(([name, { request, reply }]) => ({
      kind: 'rpc' as const,
      name,
      channel: { address: name },
      messages: [
        said('request', request, 'What the method is called with'),
        { name: 'reply', payload: reply, action: 'send' as const, summary: 'What it answers' },
      ],
    })),
  ]
}

function placeOfChannel(pattern: string, channel: ChannelContract): Place {
  const { publication, publish, subscribe, isPresenceAnswered, isHistoryAnswered } = channel
  const answers = { presence: isPresenceAnswered, history: isHistoryAnswered }
  const messages: Message[] = [
    { name: 'publication', payload: publication, action: 'send', summary: 'What subscribers are given' },
  ]
  if (publish !== undefined)
    messages.push({
      name: 'publish',
      payload: publish,
      action: 'receive',
      summary: 'What a client publishes',
    })
  if (subscribe !== undefined)
    messages.push({
      name: 'subscribe',
      payload: subscribe,
      action: 'receive',
      summary: 'What a client says when it subscribes',
    })
  const answered = Object.entries(answers).filter(([, is]) => is)
  return {
    kind: 'channel',
    name: pattern,
    channel: { ...addressOf(pattern), [answersKey]: answered.map(([name]) => name).toSorted() },
    messages,
  }
}

/** `chat::room` is `chat:{room}`. */
function addressOf(pattern: string): Schema {
  const parameters: Record<string, object> = {}
  const address = pattern.replaceAll(/:([A-Za-z_][A-Za-z0-9_]*)/g, (whole, name: string, at: number) => {
    if (!isParameter(pattern, at)) return whole
    parameters[name] = {}
    return `{${name}}`
  })
  const plain = pattern.startsWith(':') ? address.slice(1) : address
  return Object.keys(parameters).length === 0 ? { address: plain } : { address: plain, parameters }
}

function channelOf({ kind, name, channel, messages }: Place, id: string, components: Components): Schema {
  const written = messages.map(({ name: message, payload, summary }) => [
    message,
    {
      summary,
      payload: components.add(`${id} ${message}`, payload),
      ...(payload['contentEncoding'] === 'binary' ? { contentType: 'application/octet-stream' } : {}),
    },
  ])
  return { ...channel, [kindKey]: kind, [nameKey]: name, messages: Object.fromEntries(written) as Schema }
}

const refs = (id: string) => {
  const channel = `#/channels/${pointerPart(id)}`
  return {
    channel: { $ref: channel },
    message: (name: string) => ({ $ref: `${channel}/messages/${pointerPart(name)}` }),
  }
}

/** A3. */
function operationsOf({ messages }: Place, id: string): Schema {
  const { channel, message } = refs(id)
  const each = messages.map(({ name, action, summary }) => [
    name === id ? id : `${id} ${name}`,
    { action, channel, summary, messages: [message(name)] },
  ])
  return Object.fromEntries(each) as Schema
}

function rpcOperation({ name }: Place, id: string): Schema {
  const { channel, message } = refs(id)
  const reply = { channel, messages: [message('reply')] }
  return {
    [id]: {
      action: 'receive',
      channel,
      summary: `Clients call ${name}`,
      messages: [message('request')],
      reply,
    },
  }
}

/** A2. @throws InvalidError `bad-contract`: not one that was written here. */
export function readAsyncApi(document: unknown): Contract {
  const refuse = (why: string): never => {
    throw new InvalidError('bad-contract', `The contract ${why}: write it again with natter contract --out.`)
  }
  if (!isObject(document)) return refuse('is no JSON object')
  const { asyncapi, info, channels } = document
  if (asyncapi !== '3.0.0' || !isObject(info) || !isObject(channels))
    return refuse('is no AsyncAPI 3.0.0 document')
  const places = Object.entries(channels).map(([id, channel]) => {
    const {
      [kindKey]: kind,
      [nameKey]: name,
      [answersKey]: answers = [],
      messages,
    } = isObject(channel) ? channel : {}
    if (typeof kind !== 'string' || typeof name !== 'string' || !isObject(messages))
      return refuse(`has the channel "${id}", which isn't of natter's making`)
    const payload = (message: string): Schema =>
      payloadOf(document, messages, message) ?? refuse(`lacks "${message}" in "${id}"`)
    return { kind, name, answers, names: Object.keys(messages), payload }
  })
  const of = (kind: Kind) => places.filter((place) => place.kind === kind)
  const table = <T>(kind: Kind, value: (place: (typeof places)[number]) => T): Record<string, T> =>
    Object.fromEntries(of(kind).map((place) => [place.name, value(place)]))
  const events = of('events').flatMap(({ names, payload }) =>
    names.map((name) => [name, payload(name)] as const),
  )
  return {
    app: String(info['title']),
    connect: of('connect')[0]?.payload('connect') ?? {},
    channels: table('channel', ({ answers, names, payload }) => ({
      publication: payload('publication'),
      ...(names.includes('publish') ? { publish: payload('publish') } : {}),
      ...(names.includes('subscribe') ? { subscribe: payload('subscribe') } : {}),
      isPresenceAnswered: Array.isArray(answers) && answers.includes('presence'),
      isHistoryAnswered: Array.isArray(answers) && answers.includes('history'),
    })),
    rpc: table('rpc', ({ payload }) => ({ request: payload('request'), reply: payload('reply') })),
    events: Object.fromEntries(events),
  }
}

function payloadOf(document: Schema, messages: Schema, name: string): Schema | undefined {
  const message = messages[name]
  return isObject(message) ? standalone(document, message['payload']) : undefined
}
