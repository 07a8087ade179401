import type { Broker } from '@natter/broker'
import {
  Backoff,
  systemClock,
  UnavailableError,
  UnknownOutcomeError,
  type Clock,
  type NatterError,
} from '@natter/primitives'
import {
  Errors,
  type Bytes,
  type ClientInfo,
  type HistoryResult,
  type Publication,
  type StreamPosition,
} from '@natter/protocol'
import { randomBytes } from 'node:crypto'
import { decodeApiReply, encodeApiRequest } from '../api-wire.js'
import type { ApiClientInfo, ApiError, ApiPublication, ApiRequest, ApiResults, PublishedAt } from '../api.js'
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
  /** Subscribers who asked for it are told what changed since the publication before. Default false. */
  delta?: boolean
}

type Result<R extends ApiRequest> = ApiResults[R['kind']]

/** Requests that change nothing: an unknown outcome of theirs is none. */
const reads: ReadonlySet<ApiRequest['kind']> = new Set(['presence', 'history'])

/**
 * What apps ask of gateways: any that is there, and another one when that is gone, silent or not able to.
 *
 * P1. All requests can be repeated without harm: publications carry a key, the others say what shall be or read what is.
 * P2. Repeated elsewhere are those without an answer, and those whose gateway said that it can't now or doesn't know; until every gateway
 *     has said so. A refusal is final.
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

  /** Resolves when it is written down: it binds each gateway from then on, also one that isn't there now. @throws NatterError as {@link request}. */
  async blockUser(user: string, end: { expiresAtMs?: number } = {}): Promise<void> {
    await this.request({ kind: 'block', user, ...end })
  }

  /** Resolves as {@link blockUser}. @throws NatterError as {@link request}. */
  async unblockUser(user: string): Promise<void> {
    await this.request({ kind: 'unblock', user })
  }

  /** Resolves as {@link blockUser}. @throws NatterError as {@link request}. */
  async revokeToken(tokenId: string, end: { expiresAtMs?: number } = {}): Promise<void> {
    await this.request({ kind: 'revoke', tokenId, ...end })
  }

  /** Resolves as {@link blockUser}. @throws NatterError as {@link request}. */
  async invalidateUserTokens(
    user: string,
    which: { issuedBeforeMs?: number; expiresAtMs?: number } = {},
  ): Promise<void> {
    await this.request({ kind: 'invalidate', user, ...which })
  }

  /**
   * Asks a gateway, and others until one has answered for good.
   *
   * @throws InvalidError, DeniedError refused; a repeat is refused too.
   * @throws UnavailableError certainly not done: `no-gateway`, `gateway-silent`, `gateway-unavailable`, `nats-away`.
   * @throws UnknownOutcomeError perhaps done: a repeat is only safe with the same key.
   */
  async request<R extends ApiRequest>(request: R): Promise<Result<R>> {
    const body = encodeApiRequest(request)
    const search = new Search(this.clock.now() + this.withinMs)
    const backoff = new Backoff({ baseMs: 100, maxMs: 1_000 }, this.random)
    for (;;) {
      const node = await this.pick(search)
      if (node === undefined) throw verdict(request, search.failures) // P3
      const isRepeat = search.asked.has(node)
      search.asked.add(node)
      const reply = await this.ask(node, body, Math.min(this.attemptMs, search.leftMs(this.clock)))
      if ('result' in reply) return reply.result as Result<R>
      if (reply.error.outcome === 'refused') throw natterErrorOf(reply.error) // P2
      search.failures.push(reply.error)
      if (reply.isAnswer) search.unable.add(node)
      if (isRepeat) await this.pause(Math.min(backoff.next(), search.leftMs(this.clock)))
    }
  }

  /** Undefined: the time is over, or all that are there were not able to. @throws UnavailableError `no-gateway`, `nats-away`. */
  private async pick({ asked, unable, failures, untilMs }: Search): Promise<string | undefined> {
    const leftMs = untilMs - this.clock.now()
    const { nodes } = this
    if (leftMs <= 0 || (nodes.length > 0 && nodes.every((node) => unable.has(node)))) return undefined
    try {
      if (!this.broker.bus.isConnected) throw notConnected()
      return await this.gateways.pick(asked, leftMs)
    } catch (error) {
      if (failures.length > 0) return undefined
      throw error
    }
  }

  private async ask(node: string, body: Uint8Array, timeoutMs: number): Promise<Attempt> {
    const { bus, subjects } = this.broker
    const fromMs = this.clock.now()
    let attempt: Attempt | undefined
    const onReply = (answer: Uint8Array): boolean => {
      attempt = attemptOf(node, answer)
      return true
    }
    try {
      await bus.ask(subjects.apiOfNode(node), body, { timeoutMs: Math.max(1, timeoutMs), onReply })
    } catch (error) {
      if (error instanceof UnavailableError) return failure('unavailable', error.message)
      throw error
    }
    if (attempt !== undefined) return attempt
    const isGone = this.clock.now() - fromMs < timeoutMs / 2 // the bus waits no longer when nobody listens
    if (!isGone) return failure('unknown', `Gateway ${node} did not answer in time`)
    this.gateways.forget(node)
    return failure('unavailable', `Gateway ${node} has gone`)
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.setTimer(resolve, Math.max(0, ms)))
  }
}

type Attempt = { result: unknown } | { error: ApiError; isAnswer: boolean }

/** What one request has seen. */
class Search {
  readonly asked = new Set<string>()
  /** Said that it can't now. */
  readonly unable = new Set<string>()
  readonly failures: ApiError[] = []

  constructor(readonly untilMs: number) {}

  leftMs(clock: Clock): number {
    return Math.max(0, this.untilMs - clock.now())
  }
}

const failure = (outcome: ApiError['outcome'], message: string): Attempt => ({
  error: { code: Errors.internal.code, message, outcome },
  isAnswer: false,
})

function attemptOf(node: string, body: Uint8Array): Attempt {
  try {
    const reply = decodeApiReply(body)
    return 'result' in reply ? reply : { ...reply, isAnswer: true }
  } catch {
    return failure(
      'unknown',
      `Gateway ${node} answered what is no answer: are its version and this app's the same?`,
    )
  }
}

const notConnected = (): UnavailableError =>
  new UnavailableError('nats-away', 'NATS is away: not sent, repeat when it is back')

/** P3 */
function verdict(request: ApiRequest, failures: readonly ApiError[]): NatterError {
  const unknown = failures.find(({ outcome }) => outcome === 'unknown')
  const last = failures.at(-1)
  if (unknown === undefined && last !== undefined) return natterErrorOf(last)
  if (unknown === undefined) return new UnavailableError('no-gateway', 'No time was left to ask a gateway')
  if (reads.has(request.kind)) return new UnavailableError('gateway-silent', unknown.message)
  const sentence = `${unknown.message}: perhaps done, repeat it only with the same key`
  return new UnknownOutcomeError('unknown-outcome', sentence)
}

/** P1 */
function keyed({ tags, idempotencyKey, delta }: PublishChoices): {
  key: string
  tags?: PublishChoices['tags'] & object
  delta?: true
} {
  const key = idempotencyKey ?? randomBytes(12).toString('base64url')
  return { key, ...(tags === undefined ? {} : { tags }), ...(delta === true ? { delta } : {}) }
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
