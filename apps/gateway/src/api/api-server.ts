import type { Broker, BusMessage, BusSubscription } from '@natter/broker'
import {
  decodeApiRequest,
  encodeApiReply,
  type ApiError,
  type ApiReply,
  type ApiRequest,
  type ApiResults,
} from '@natter/hooks'
import type { TypedEvents } from '@natter/primitives'
import { Errors } from '@natter/protocol'
import type { Services } from '../connection/services.js'
import type { GatewayEvents } from '../gateway.events.js'
import type { Peers } from '../presence/peers.js'
import { ApiPublisher } from './api-publisher.js'
import { ApiReader } from './api-reader.js'
import { Everywhere, PartError } from './everywhere.js'
import { showProgress } from './progress.js'
import { explain, RefusedError } from './refusal.js'
import { serveRevocation } from './revocation-requests.js'
import { checkUserRequest, serveHere, type UserRequest } from './user-requests.js'

/** Requests at work at a time: what one waits for is bounded, and so must be how many wait. */
const maxInFlight = 1_000

/** How long the other gateways are waited for; apps wait 3 s for one gateway. */
const everywhereTimeoutMs = 2_500

/**
 * What apps ask of gateways; any gateway serves any request.
 *
 * Q1. Each request gets one answer, and that says whether a repeat is harmless (`ApiError.outcome`).
 * Q2. At most `maxInFlight` are at work; one more is answered 111, certainly not done.
 * Q3. An answer that is larger than NATS carries here ends in a small one that says so, and in nothing worse.
 */
export class ApiServer {
  private readonly publisher: ApiPublisher
  private readonly reader: ApiReader
  readonly everywhere: Everywhere
  private readonly events: TypedEvents<GatewayEvents>
  private listening: BusSubscription | undefined
  private inFlight = 0
  private onIdle: (() => void) | undefined

  constructor(
    private readonly broker: Broker,
    private readonly services: Services,
    peers: Pick<Peers, 'nodes'>,
  ) {
    const { presence, history, publisher, options, events } = services
    const historyPage = () => services.options.client.historyPage
    this.events = events
    this.publisher = new ApiPublisher({ broker, publisher, rules: services })
    this.reader = new ApiReader({ presence, history, rules: services, historyPage })
    this.everywhere = new Everywhere(broker, peers, (request) => serveHere(services, request), {
      node: options.name,
      timeoutMs: everywhereTimeoutMs,
      onUnheard: ({ kind }, nodes) => events.emit('http-api:unheard', { kind, nodes }),
    })
  }

  start(): void {
    const { bus, subjects } = this.broker
    const subject = subjects.apiOfNode(this.services.options.name)
    this.everywhere.start()
    this.listening = bus.subscribe(subject, (message) => void this.receive(message))
  }

  /** Takes nothing new; resolves when all that was taken is answered (Q1). What the other gateways ask is still done. */
  async drain(): Promise<void> {
    await this.listening?.drain()
    if (this.inFlight > 0) await new Promise<void>((resolve) => (this.onIdle = resolve))
  }

  /** What is at work ends as it would have. */
  stop(): void {
    this.listening?.stop()
    this.everywhere.stop()
  }

  private async receive(message: BusMessage): Promise<void> {
    const { kind, reply } = await this.reply(message.body)
    if (!this.broker.bus.isConnected) return // nobody hears it: the app asks again
    try {
      message.respond(encodeApiReply(reply))
    } catch {
      const error = kind === 'presence' || kind === 'history' ? tooMuchToRead : tooMuchToSay // Q3
      this.events.emit('api:reply', { kind, outcome: error.outcome, cause: undefined })
      message.respond(encodeApiReply({ error }))
    }
  }

  /** Q1 */
  private async reply(body: Uint8Array): Promise<{ kind: string; reply: ApiReply }> {
    let kind = 'unknown'
    if (this.inFlight >= maxInFlight) return { kind, reply: tooMany } // Q2
    this.inFlight += 1
    try {
      const request = decodeApiRequest(body) // before the first await: the bytes are lent
      if (kinds.has(request.kind)) kind = request.kind
      const result = await this.serve(request)
      this.events.emit('api:reply', { kind, outcome: 'done', cause: undefined })
      return { kind, reply: { result } }
    } catch (error) {
      const told = error instanceof PartError ? { error: error.error, isBug: false } : explain(error)
      const cause = told.isBug ? error : undefined
      this.events.emit('api:reply', { kind, outcome: told.error.outcome, cause })
      return { kind, reply: { error: told.error } }
    } finally {
      this.inFlight -= 1
      if (this.inFlight === 0) this.onIdle?.() // the answer leaves in this turn
    }
  }

  private async serve(request: ApiRequest): Promise<ApiResults[ApiRequest['kind']]> {
    switch (request.kind) {
      case 'publish':
        return this.publisher.publish(request.channel, request)
      case 'broadcast':
        return this.publisher.broadcast(request.channels, request)
      case 'progress':
        showProgress(this.services, request)
        return {}
      case 'presence':
        return this.reader.presence(request)
      case 'history':
        return this.reader.history(request)
      case 'subscribe':
      case 'unsubscribe':
      case 'disconnect':
        return this.serveUser(request)
      case 'block':
      case 'unblock':
      case 'revoke':
      case 'invalidate':
        return serveRevocation(this.services.revoker, request)
      default:
        throw new RefusedError(
          Errors.methodNotFound,
          'This gateway knows no such request: is it of an older version?',
        )
    }
  }

  private async serveUser(request: UserRequest): Promise<{ connections: number }> {
    checkUserRequest(this.services, request)
    return { connections: await this.everywhere.run(request) }
  }
}

const kinds: ReadonlySet<string> = new Set<ApiRequest['kind']>([
  'publish',
  'broadcast',
  'presence',
  'history',
  'subscribe',
  'unsubscribe',
  'disconnect',
  'progress',
  'block',
  'unblock',
  'revoke',
  'invalidate',
])

const tooMany: ApiReply = {
  error: { ...Errors.tooManyRequests, outcome: 'unavailable' },
}

const tooMuchToRead: ApiError = {
  code: Errors.limitExceeded.code,
  message: 'The answer is larger than NATS carries (max_payload): ask for less at a time',
  outcome: 'refused',
}

/** Done, and nobody can be told how. */
const tooMuchToSay: ApiError = {
  code: Errors.internal.code,
  message: 'Done, but the answer is larger than NATS carries (max_payload)',
  outcome: 'unknown',
}
