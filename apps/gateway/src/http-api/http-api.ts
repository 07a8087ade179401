/**
 * The API for backends: `POST /api/<method>`. [23]
 *
 * HA1. Who shows no key is told nothing but that one is wanted, whatever it asks.
 * HA2. Each request is answered once, each command of it too; what a method says wrong is an error of that command alone.
 * HA3. It goes on the transport of the clients, on a port of its own: one way of reading requests, with its bounds on bodies, and the same
 *      API can stand on the port of the clients.
 * HA4. At most `maxInFlight` requests are in work; one more is answered 111.
 */
import type {
  HttpAnswer,
  PlainRequest,
  RequestDecision,
  SocketHandlers,
  SocketServer,
} from '@natter/transport'
import type { Broker } from '@natter/broker'
import type { Clock } from '@natter/primitives'
import { Errors } from '@natter/protocol'
import type { Everywhere } from '../api/everywhere.js'
import type { Services } from '../connection/services.js'
import type { Peers } from '../presence/peers.js'
import { explain } from '../api/refusal.js'
import { derived } from '../settings/settings.js'
import { batchMethod, runBatch } from './batch.js'
import { errorOf, statusOf, type ToldError } from './errors.js'
import type { HttpApiEvents } from './http-api.events.js'
import { isServed, type HttpApiOptions } from './http-api.options.js'
import { Idempotency } from './idempotency.js'
import { parseObject, toJson, type JsonObject } from './json.js'
import { keyCheck, shownKey } from './keys.js'
import { runLegacy } from './legacy.js'
import type { ApiContext } from './method.js'
import { methodOf } from './methods/index.js'
import { openApiText } from './openapi.js'
import { Survey } from './survey.js'
import { Versions } from './versions.js'

const maxInFlight = 2_000

type CreateServer = (handlers: SocketHandlers<undefined>) => SocketServer<undefined>

export interface HttpApiParts extends Omit<ApiContext, 'survey' | 'everywhere'> {
  readonly everywhere: Pick<Everywhere, 'hand' | 'settled'>
  readonly survey: Survey
  /** For its own port; absent = there is none. */
  readonly createServer: CreateServer | undefined
}

export function createHttpApi(
  { broker, clock, createApiServer }: { broker: Broker; clock: Clock; createApiServer?: CreateServer },
  services: Services,
  peers: Pick<Peers, 'nodes'>,
  everywhere: Everywhere,
): HttpApi {
  const survey = new Survey(broker, services, peers)
  const idempotency = new Idempotency({ broker, clock })
  return new HttpApi({
    broker,
    services,
    peers,
    everywhere,
    survey,
    idempotency,
    versions: new Versions(broker),
    createServer: createApiServer,
  })
}

/** What became of a command. */
export type CommandReply = { readonly result: object } | { readonly error: ToldError }

export type RunCommand = (method: string, given: JsonObject) => Promise<CommandReply>

export class HttpApi {
  private readonly isKnown: () => (shown: string | undefined) => boolean
  private server: SocketServer<undefined> | undefined
  private inFlight = 0
  private onIdle: (() => void) | undefined

  constructor(private readonly parts: HttpApiParts) {
    this.isKnown = derived(() => this.options?.keys ?? noKeys, keyCheck)
  }

  private get options(): HttpApiOptions | undefined {
    return this.parts.services.options.httpApi
  }

  /** Listens on its own port, where it has one; answers it. @throws UnavailableError `port-in-use`. */
  async start(): Promise<number | undefined> {
    const { options } = this
    const { createServer, survey } = this.parts
    survey.start()
    if (options === undefined || options.isExternal || !isServed(options) || createServer === undefined)
      return undefined
    this.server = createServer(this.handlers())
    const port = await this.server.listen()
    this.parts.services.events.emit('http-api:listen', { host: options.host, port })
    return port
  }

  /** Takes nothing new; resolves when all that was taken is answered. */
  async drain(): Promise<void> {
    this.server?.stopListening()
    if (this.inFlight > 0) await new Promise<void>((resolve) => (this.onIdle = resolve))
    await this.parts.everywhere.settled()
  }

  stop(): void {
    this.parts.survey.stop()
    this.server?.close()
  }

  /** On the port of the clients. Undefined: it isn't asked for, or not there. */
  decide(request: PlainRequest): RequestDecision | undefined {
    return this.options?.isExternal === true ? this.answer(request) : undefined
  }

  /** Undefined: the path is none of the API's. */
  private answer(request: PlainRequest): RequestDecision | undefined {
    const { options } = this
    const { path, method } = request
    if (options === undefined || !isServed(options)) return undefined
    if (path !== '/api' && !path.startsWith('/api/')) return undefined
    if (path === descriptionPath && (method === 'GET' || method === 'HEAD')) return description()
    if (!options.isInsecure && !this.isKnown()(shownKey(request)))
      return this.refused('unauthorized', unauthorized) // HA1
    if (method !== 'POST') return this.refused('wrong-verb', onlyPost)
    const name = path.slice('/api/'.length)
    if (path !== '/api' && name !== 'batch' && methodOf(name) === undefined)
      return this.refused('unknown-method', unknownMethod)
    const isByStatus =
      options.errorMode === 'transport' || request.headers['x-centrifugo-error-mode'] === 'transport'
    return {
      is: 'body',
      maxBytes: options.maxBodyBytes,
      tooLong,
      decide: (body) => this.take(path === '/api' ? undefined : name, body, isByStatus),
    }
  }

  private refused(outcome: HttpApiEvents['http-api:refuse']['reason'], answer: HttpAnswer): RequestDecision {
    this.parts.services.events.emit('http-api:refuse', { reason: outcome })
    return { is: 'answer', answer }
  }

  /** `name` undefined: the old form. */
  private take(
    name: string | undefined,
    body: Uint8Array,
    isByStatus: boolean,
  ): Exclude<RequestDecision, { is: 'body' }> {
    const text = textOf(body)
    const { events } = this.parts.services
    if (this.inFlight >= maxInFlight) {
      events.emit('http-api:refuse', { reason: 'busy' })
      return { is: 'answer', answer: replyAnswer({ error: errorOf(Errors.tooManyRequests) }, isByStatus) }
    }
    const answer = text === undefined ? undefined : this.answerTo(name, text, isByStatus)
    if (answer === undefined) {
      events.emit('http-api:refuse', { reason: 'malformed' })
      return { is: 'answer', answer: malformed }
    }
    this.inFlight += 1
    const done = (): void => {
      this.inFlight -= 1
      if (this.inFlight === 0) this.onIdle?.() // the answer leaves in this turn
    }
    const certain = answer.catch((cause: unknown) => {
      events.emit('http-api:reply', { method: name ?? 'legacy', code: Errors.internal.code, cause })
      return replyAnswer({ error: errorOf(Errors.internal) }, isByStatus)
    })
    return { is: 'later', answer: certain.finally(done) }
  }

  /** Undefined: that is no JSON. Never rejects. */
  private answerTo(
    name: string | undefined,
    text: string,
    isByStatus: boolean,
  ): Promise<HttpAnswer> | undefined {
    if (name === undefined) return runLegacy(this.run, text)?.then((body) => ({ ...ok, body }))
    const given = parseObject(text)
    if (given === undefined) return undefined
    if (name === 'batch') {
      return this.caught('batch', () => runBatch(this.run, batchMethod, given)).then((reply) =>
        'result' in reply ? { ...ok, body: toJson(reply.result) } : replyAnswer(reply, isByStatus),
      )
    }
    return this.run(name, given).then((reply) => replyAnswer(reply, isByStatus))
  }

  private readonly run: RunCommand = (name, given) => {
    const method = methodOf(name)
    if (method === undefined) return Promise.resolve(this.told('unknown', Errors.methodNotFound))
    return this.caught(name, () => method.run(this.parts, given))
  }

  /** HA2. */
  private async caught(method: string, work: () => Promise<object>): Promise<CommandReply> {
    const { events } = this.parts.services
    try {
      const result = await work()
      events.emit('http-api:reply', { method, code: 0, cause: undefined })
      return { result }
    } catch (error) {
      const { error: told, isBug } = explain(error)
      return this.told(method, told, isBug ? error : undefined)
    }
  }

  private told(method: string, error: Parameters<typeof errorOf>[0], cause?: unknown): { error: ToldError } {
    this.parts.services.events.emit('http-api:reply', { method, code: error.code, cause })
    return { error: errorOf(error) }
  }

  private handlers(): SocketHandlers<undefined> {
    const nobody = (): void => {}
    return {
      onUpgrade: () => ({ accept: false, status: 404, body: 'No WebSocket here.' }),
      onRequest: (request) => this.answer(request) ?? { is: 'answer', answer: notFound },
      onOpen: nobody,
      onMessage: nobody,
      onDrain: nobody,
      onClose: nobody,
    }
  }
}

const descriptionPath = '/api/openapi.json'
const noKeys: readonly string[] = []
const jsonType = { 'content-type': 'application/json' }
const ok = { status: 200, headers: jsonType }

const unauthorized: HttpAnswer = {
  status: 401,
  headers: { 'www-authenticate': 'apikey' },
  body: 'A key is wanted: X-API-Key, Authorization: apikey <key>, or ?api_key=<key>.\n',
}
const onlyPost: HttpAnswer = { status: 405, headers: { allow: 'POST' }, body: 'Only POST here.\n' }
const unknownMethod: HttpAnswer = {
  status: 404,
  body: 'There is no such method: /api/openapi.json lists them.\n',
}
const notFound: HttpAnswer = { status: 404, body: 'There is only /api here.\n' }
const malformed: HttpAnswer = { status: 400, body: 'The body has to be a JSON object in UTF-8.\n' }
const tooLong: HttpAnswer = { status: 413, body: 'This is more than http_api.max_body_size.\n' }

function description(): RequestDecision {
  return { is: 'answer', answer: { ...ok, body: openApiText() } }
}

function replyAnswer(reply: CommandReply, isByStatus: boolean): HttpAnswer {
  if (!isByStatus || 'result' in reply) return { ...ok, body: toJson(reply) }
  return { ...ok, status: statusOf(reply.error.code), body: toJson(reply.error) }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function textOf(body: Uint8Array): string | undefined {
  try {
    return utf8.decode(body)
  } catch {
    return undefined
  }
}
