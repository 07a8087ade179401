import type { Broker } from '@natter/broker'
import {
  Backoff,
  systemClock,
  UnavailableError,
  UnknownOutcomeError,
  type Clock,
  type NatterError,
} from '@natter/primitives'
import type { Bytes, ClientInfo, HistoryResult, Publication, StreamPosition } from '@natter/protocol'
import { randomBytes } from 'node:crypto'
import { decodeApiReply, encodeApiRequest } from '../api-wire.js'
import type { ApiClientInfo, ApiPublication, ApiReply, ApiRequest, ApiResults, PublishedAt } from '../api.js'
import type { SubscriptionOptions } from '../hooks.js'
import { natterErrorOf } from './api-errors.js'
import { Gateways } from './gateways.js'

export interface ApiClientOptions {
  broker: Broker
  /** How long one gateway is waited for. Default 3,000. */
  attemptMs?: number
  /** How long a request may take, with all its repeats. Default 10,000. */
  withinMs?: number
  clock?: Clock
  random?: () => number
}

export interface PublishChoices {
  tags?: Readonly<Record<string, string>>
  /** Default: a random one, so that a repeat by this client is harmless. */
  idempotencyKey?: string
}

type Result<R extends ApiRequest> = ApiResults[R['kind']]

/** Requests that change nothing: an unknown outcome of theirs is none. */
const reads: ReadonlySet<ApiRequest['kind']> = new Set(['presence', 'history'])

/**
 * What apps ask of gateways: any that is there, and another one when that is gone, silent or not able to.
 *
 * P1. All requests can be repeated without harm: publications carry a key, the others say what shall be or read what is.
 * P2. Repeated are those without an answer, and those whose gateway said that it was not done or doesn't know. A refusal is final.
 * P3. After `withinMs` it ends with UnknownOutcomeError if any attempt may have done it, else with UnavailableError.
 */
export class ApiClient {
  private readonly broker: Broker
  private readonly clock: Clock
  private readonly random: () => number
  private readonly attemptMs: number
  private readonly withinMs: number
  private readonly gateways: Gateways

  constructor(options: ApiClientOptions) {
    const { broker, clock = systemClock, random = Math.random } = options
    this.broker = broker
    this.clock = clock
    this.random = random
    this.attemptMs = options.attemptMs ?? 3_000
    this.withinMs = options.withinMs ?? 10_000
    this.gateways = new Gateways(broker, clock, random)
  }

  /** The gateways that were heard from. */
  get nodes(): readonly string[] {
    return this.gateways.nodes
  }

  start(): void {
    this.gateways.start()
  }

  stop(): void {
    this.gateways.stop()
  }

  /** @throws NatterError as {@link request}. */
  publish(channel: string, data: Bytes, options: PublishChoices = {}): Promise<PublishedAt> {
    return this.request({ kind: 'publish', channel, data, ...keyed(options) })
  }

  /** One outcome for each channel, in their order. @throws NatterError as {@link request}. */
  async broadcast(
    channels: readonly string[],
    data: Bytes,
    options: PublishChoices = {},
  ): Promise<readonly (PublishedAt | { error: NatterError })[]> {
    const { outcomes } = await this.request({ kind: 'broadcast', channels, data, ...keyed(options) })
    return outcomes.map((one) => ('error' in one ? { error: natterErrorOf(one.error) } : one))
  }

  /** By connection id. @throws NatterError as {@link request}. */
  async presence(channel: string): Promise<ReadonlyMap<string, ClientInfo>> {
    const { members } = await this.request({ kind: 'presence', channel })
    return new Map(members.map((member) => [member.client, clientInfoOf(member)]))
  }

  /** @throws NatterError as {@link request}. */
  async history(
    channel: string,
    query: { limit: number; since?: StreamPosition; isReverse: boolean },
  ): Promise<HistoryResult> {
    const { publications, position } = await this.request({ kind: 'history', channel, ...query })
    return { publications: publications.map((one) => publicationOf(one)), ...position }
  }

  /** Resolves when all gateways have done it. @throws NatterError as {@link request}. */
  async subscribe(
    user: string,
    channel: string,
    { client, ...options }: SubscriptionOptions & { client?: string },
  ): Promise<void> {
    await this.request({ kind: 'subscribe', user, channel, options, ...narrowed(client) })
  }

  /** Resolves when all gateways have done it. @throws NatterError as {@link request}. */
  async unsubscribe(
    user: string,
    channel: string,
    { client, code, reason }: { client?: string; code: number; reason: string },
  ): Promise<void> {
    await this.request({ kind: 'unsubscribe', user, channel, code, reason, ...narrowed(client) })
  }

  /** Resolves when all gateways have done it. @throws NatterError as {@link request}. */
  async disconnect(
    user: string,
    { client, code, reason }: { client?: string; code: number; reason: string },
  ): Promise<void> {
    await this.request({ kind: 'disconnect', user, code, reason, ...narrowed(client) })
  }

  /**
   * Asks a gateway, and others until one has answered for good.
   *
   * @throws InvalidError, DeniedError refused; a repeat is refused too.
   * @throws UnavailableError certainly not done: `no-gateway`, `gateway-silent`, `gateway-unavailable`, `nats-away`.
   * @throws UnknownOutcomeError perhaps done: a repeat is only safe with the same key.
   */
  async request<R extends ApiRequest>(request: R): Promise<Result<R>> {
    const untilMs = this.clock.now() + this.withinMs
    const backoff = new Backoff({ baseMs: 100, maxMs: 1_000 }, this.random)
    const body = encodeApiRequest(request)
    const tried = new Set<string>()
    const failures: Failure[] = []
    for (;;) {
      const leftMs = untilMs - this.clock.now()
      const node = leftMs > 0 ? await this.pick(tried, leftMs, failures) : undefined
      if (node === undefined) throw verdict(request, failures) // P3
      const isRepeat = tried.has(node)
      tried.add(node)
      const reply = await this.ask(node, body, Math.min(this.attemptMs, untilMs - this.clock.now()))
      if ('result' in reply) return reply.result as Result<R>
      if (reply.error.outcome === 'refused') throw natterErrorOf(reply.error) // P2
      failures.push(reply)
      if (isRepeat || tried.size >= this.nodes.length) await this.pause(Math.min(backoff.next(), leftMs))
    }
  }

  private async pick(
    tried: ReadonlySet<string>,
    withinMs: number,
    failures: Failure[],
  ): Promise<string | undefined> {
    try {
      return await this.gateways.pick(tried, withinMs)
    } catch (error) {
      if (failures.length > 0) return undefined
      throw error
    }
  }

  /** Never rejects for a gateway that is gone, silent or away. */
  private async ask(node: string, body: Uint8Array, timeoutMs: number): Promise<ApiReply> {
    const { bus, subjects } = this.broker
    const fromMs = this.clock.now()
    let reply: ApiReply | undefined
    const onReply = (answer: Uint8Array): boolean => {
      reply = decodeApiReply(answer)
      return true
    }
    try {
      await bus.ask(subjects.apiOfNode(node), body, { timeoutMs: Math.max(1, timeoutMs), onReply })
    } catch (error) {
      if (error instanceof UnavailableError) return notSent(error)
      throw error
    }
    if (reply !== undefined) return reply
    const isGone = this.clock.now() - fromMs < timeoutMs / 2
    if (isGone) this.gateways.forget(node)
    return isGone ? unavailable(`Gateway ${node} has gone`) : silent(node)
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.setTimer(resolve, Math.max(0, ms)))
  }
}

type Failure = Extract<ApiReply, { error: unknown }>

const unavailable = (message: string): Failure => ({ error: { code: 100, message, outcome: 'unavailable' } })

const notSent = (error: UnavailableError): Failure => unavailable(error.message)

const silent = (node: string): Failure => ({
  error: { code: 100, message: `Gateway ${node} did not answer in time`, outcome: 'unknown' },
})

/** P3 */
function verdict(request: ApiRequest, failures: readonly Failure[]): NatterError {
  const unknown = failures.find(({ error }) => error.outcome === 'unknown')
  const last = failures.at(-1)?.error ?? unavailable('No time was left to ask a gateway').error
  if (unknown === undefined) return natterErrorOf(last)
  if (reads.has(request.kind)) return new UnavailableError('gateway-silent', last.message)
  const sentence = `${unknown.error.message}: perhaps done, repeat it only with the same key`
  return new UnknownOutcomeError('unknown-outcome', sentence)
}

/** P1 */
function keyed({ tags, idempotencyKey }: PublishChoices): {
  key: string
  tags?: PublishChoices['tags'] & object
} {
  const key = idempotencyKey ?? randomBytes(12).toString('base64url')
  return tags === undefined ? { key } : { key, tags }
}

const narrowed = (client: string | undefined): { client?: string } => (client === undefined ? {} : { client })

function clientInfoOf({ user, client, connInfoJson, chanInfoJson }: ApiClientInfo): ClientInfo {
  return {
    user,
    client,
    ...(connInfoJson === undefined ? {} : { connInfo: Buffer.from(connInfoJson, 'utf8') }),
    ...(chanInfoJson === undefined ? {} : { chanInfo: Buffer.from(chanInfoJson, 'utf8') }),
  }
}

function publicationOf({ dataBase64, info, ...rest }: ApiPublication): Publication {
  const data = Buffer.from(dataBase64, 'base64')
  return { data, ...rest, ...(info === undefined ? {} : { info: clientInfoOf(info) }) }
}
