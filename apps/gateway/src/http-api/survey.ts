/**
 * Asks all gateways something, this one included, and gathers what they answer.
 *
 * SU1. Who is there is asked and waited for, as long as `timeoutMs`; whoever didn't answer in time is named.
 * SU2. An answer may be longer than NATS carries: it comes in parts, and the last one says so.
 * SU3. Nobody stands still for it: long walks give way to what else there is to do.
 */
import type { Broker, BusMessage, BusSubscription } from '@natter/broker'
import { InvalidError } from '@natter/primitives'
import type { Services } from '../connection/services.js'
import type { Peers } from '../presence/peers.js'
import { compileGlob } from './glob.js'
import { NodeFacts, type NodeInfo } from './node-facts.js'

export interface ConnectionFact {
  readonly client: string
  readonly app: { readonly name: string; readonly version: string }
  readonly transport: string
  readonly protocol: string
  readonly channels: readonly string[]
  readonly metaJson: string | undefined
  readonly connectedAtMs: number
}

export type SurveyQuestion =
  | { readonly kind: 'channels'; readonly pattern: string }
  | { readonly kind: 'info' }
  | { readonly kind: 'connections'; readonly user: string }

export interface Answers {
  channels: readonly { channel: string; clients: number }[]
  info: readonly NodeInfo[]
  connections: readonly ConnectionFact[]
}

export type Part<K extends keyof Answers = keyof Answers> = {
  /** There is more than may be told. */
  isCut: boolean
  items: Answers[K]
}

/** On the wire. */
type WirePart = Part & { node: string; isLast: boolean }

const timeoutMs = 1_500
/** Of one part: half of what NATS carries, as it comes. */
const partBytes = 524_288
const walkItems = 5_000
/** Channels that one gateway tells of; what does more to an answer is a narrower pattern's matter. */
const maxItems = 200_000

export class Survey {
  private listening: BusSubscription | undefined
  private readonly facts: NodeFacts

  constructor(
    private readonly broker: Pick<Broker, 'bus' | 'subjects'>,
    private readonly services: Services,
    private readonly peers: Pick<Peers, 'nodes'>,
  ) {
    this.facts = new NodeFacts(services)
  }

  start(): void {
    const { bus, subjects } = this.broker
    this.listening = bus.subscribe(subjects.survey, (message) => void this.answer(message))
  }

  stop(): void {
    this.listening?.stop()
  }

  /** @throws UnavailableError `nats-away`; InvalidError `bad-pattern`. */
  async ask<K extends keyof Answers>(
    question: Extract<SurveyQuestion, { kind: K }>,
  ): Promise<{ answers: Part<K>[]; silent: string[] }> {
    const waitingFor = new Set(this.peers.nodes)
    const answers: Part<K>[] = []
    const [here] = await Promise.all([this.here(question), this.askOthers(question, waitingFor, answers)])
    return { answers: [here as Part<K>, ...answers], silent: [...waitingFor] }
  }

  private async askOthers<K extends keyof Answers>(
    question: SurveyQuestion,
    waitingFor: Set<string>,
    answers: Part<K>[],
  ): Promise<void> {
    if (waitingFor.size === 0) return
    const { bus, subjects } = this.broker
    const asked = { from: this.services.options.name, question }
    await bus.ask(subjects.survey, encode(asked), {
      timeoutMs,
      onReply: (body) => {
        const part = decode<WirePart>(body)
        if (part?.node === undefined || !waitingFor.has(part.node)) return false
        answers.push(part as Part<K>)
        if (part.isLast === true) waitingFor.delete(part.node) // SU2
        return waitingFor.size === 0
      },
    })
  }

  private async answer(message: BusMessage): Promise<void> {
    const asked = decode<{ from: string; question: SurveyQuestion }>(message.body)
    const node = this.services.options.name
    if (asked?.question === undefined || asked.from === node) return
    const found = await this.here(asked.question).catch(() => undefined)
    if (found === undefined || !this.broker.bus.isConnected) return
    const parts = [...partsOf(found.items)]
    for (const [index, items] of parts.entries()) {
      const head = JSON.stringify({ node, isLast: index === parts.length - 1, isCut: found.isCut })
      message.respond(Buffer.from(`${head.slice(0, -1)},"items":[${items}]}`, 'utf8')) // SU2
    }
  }

  private async here(question: SurveyQuestion): Promise<Part> {
    switch (question.kind) {
      case 'info':
        return { isCut: false, items: [this.facts.info()] }
      case 'connections':
        return { isCut: false, items: connectionsOf(this.services, question.user) }
      case 'channels':
        return channelsOf(this.services, question.pattern)
      default:
        throw new InvalidError('bad-question', 'A gateway of another version asks something unknown')
    }
  }
}

/** SU3 */
async function channelsOf({ hub }: Services, pattern: string): Promise<Part<'channels'>> {
  const fits = pattern === '' ? () => true : compileGlob(pattern)
  const items: { channel: string; clients: number }[] = []
  let walked = 0
  for (const channel of hub.channels()) {
    walked += 1
    if (walked % walkItems === 0) await new Promise((resolve) => setImmediate(resolve))
    const clients = hub.subscriberCount(channel)
    if (clients === 0 || !fits(channel)) continue
    if (items.length === maxItems) return { isCut: true, items }
    items.push({ channel, clients })
  }
  return { isCut: false, items }
}

function connectionsOf({ hub }: Services, user: string): readonly ConnectionFact[] {
  return hub.connectionsOf(user).map((connection) => {
    const { id, wire, openedAtMs, identity, app } = connection
    const metaJson = identity?.metaJson ?? identity?.app?.metaJson
    return {
      client: id,
      app: app ?? { name: '', version: '' },
      transport: wire.transport,
      protocol: wire.codec.encoding,
      channels: hub.channelsOf(connection),
      metaJson,
      connectedAtMs: openedAtMs,
    }
  })
}

/** The elements of JSON arrays; one at least. */
function* partsOf(items: readonly object[]): Generator<string> {
  let texts: string[] = []
  let bytes = 0
  for (const item of items) {
    const text = JSON.stringify(item)
    bytes += Buffer.byteLength(text) + 1
    if (bytes > partBytes && texts.length > 0) {
      yield texts.join(',')
      texts = []
      bytes = Buffer.byteLength(text)
    }
    texts.push(text)
  }
  yield texts.join(',')
}

function encode(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value), 'utf8')
}

function decode<T>(body: Uint8Array): Partial<T> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
