/**
 * Plain requests of clients: those that become a stream, and what is said to streams. [1, 15, 16]
 *
 * HD1. Whatever is answered to a page of an allowed origin it may read; to pages of other origins 403, before anything is done.
 * HD2. Who may come in is asked when the whole request is there, and again nothing comes between that and the opening of its socket.
 * HD3. What is answered to `/emulation` says what became of the message; 204 alone that it was taken.
 */
import type {
  Framing,
  HttpAnswer,
  PlainRequest,
  RequestDecision,
  RequestHead,
  StreamOpening,
} from '@natter/transport'
import { streamWires, type Wire } from '../connection/wire.js'
import type { Emulation, EmulationOutcome } from '../emulation/emulation.js'
import { corsHeaders, preflight } from './cors.js'
import type { Transports } from './transports.js'
import type { Refused, Upgrade } from './upgrade.js'
import { uniWebsocketPath } from './wire-of.js'

type Answer = Extract<RequestDecision, { is: 'answer' }>
type Settled = Exclude<RequestDecision, { is: 'body' }>
type Headers = Readonly<Record<string, string>>

export interface HttpDoorParts {
  transports(): Transports
  upgrade: Pick<Upgrade, 'refusal' | 'serves' | 'unknownPath'>
  emulation: Pick<Emulation, 'take'>
  /** What backends ask here. Undefined: it isn't that. */
  askApi(request: PlainRequest): RequestDecision | undefined
  onEmulated(outcome: EmulationOutcome): void
  /** The request is let in; its socket opens next. */
  admit(head: RequestHead, wire: Wire): void
}

interface StreamRoute {
  readonly transport: 'httpStream' | 'sse' | 'uniSse' | 'uniHttpStream'
  readonly methods: readonly string[]
  readonly framing: Framing
  wire(head: RequestHead): Wire
}

const streams: Readonly<Record<string, StreamRoute>> = {
  '/connection/http_stream': {
    transport: 'httpStream',
    methods: ['POST'],
    framing: 'lines',
    wire: (head) => (isProtobuf(head) ? streamWires.httpStreamProtobuf : streamWires.httpStream),
  },
  '/connection/sse': {
    transport: 'sse',
    methods: ['GET', 'POST'],
    framing: 'events',
    wire: () => streamWires.sse,
  },
  '/connection/uni_sse': {
    transport: 'uniSse',
    methods: ['GET', 'POST'],
    framing: 'events',
    wire: () => streamWires.uniSse,
  },
  '/connection/uni_http_stream': {
    transport: 'uniHttpStream',
    methods: ['POST'],
    framing: 'lines',
    wire: () => streamWires.uniHttpStream,
  },
}

const emulationPath = '/emulation'
const initPath = '/connection/init'

const tooLong = { status: 413, body: 'This is more than client.max_message_size.\n' }

export class HttpDoor {
  constructor(private readonly parts: HttpDoorParts) {}

  decide(request: PlainRequest): RequestDecision {
    const { upgrade } = this.parts
    const transports = this.parts.transports()
    const stream = Object.hasOwn(streams, request.path) ? streams[request.path] : undefined
    if (stream !== undefined && transports[stream.transport]) {
      return this.checked(request, stream.methods, (cors) => this.stream(request, stream, cors))
    }
    const isEmulated = transports.httpStream || transports.sse
    if (request.path === emulationPath && isEmulated) {
      return this.checked(request, ['POST'], (cors) => this.emulation(request, cors))
    }
    if (request.path === initPath) {
      return this.checked(request, ['GET'], (cors) => answer(200, '{}', { ...cors, ...jsonType }))
    }
    const asked = this.parts.askApi(request)
    if (asked !== undefined) return asked
    return upgrade.serves(request.path) ? speaksWebSocket(request.path) : refused(upgrade.unknownPath())
  }

  /** HD1. */
  private checked(
    request: PlainRequest,
    methods: readonly string[],
    decide: (cors: Headers) => RequestDecision,
  ): RequestDecision {
    const isPage = request.headers['origin'] !== undefined
    const foreign = isPage ? this.parts.upgrade.refusal(request, 'origin') : undefined
    if (foreign !== undefined) return refused(foreign)
    const cors = corsHeaders(request)
    const allowed = methods.join(', ')
    if (request.method === 'OPTIONS') return { is: 'answer', answer: preflight(cors, allowed) }
    if (methods.includes(request.method)) return decide(cors)
    return answer(405, `Only ${allowed} here.\n`, { ...cors, allow: `${allowed}, OPTIONS` })
  }

  private stream(request: PlainRequest, route: StreamRoute, cors: Headers): RequestDecision {
    const wire = route.wire(request)
    const framing = wire.codec.isBinary ? 'bytes' : route.framing
    const begin = (said: Uint8Array): Settled => {
      const message = said.byteLength === 0 && wire.isUnidirectional ? nothingAsked : said
      if (message.byteLength === 0) {
        return answer(
          400,
          'A connect command is missing: as the body, or as cf_connect in the query.\n',
          cors,
        )
      }
      const refusal = this.parts.upgrade.refusal(request, 'room')
      if (refusal !== undefined) return refused(refusal, cors)
      this.parts.admit(request, wire) // HD2
      const opening = { framing, headers: cors, message, isBinary: wire.codec.isBinary }
      return { is: 'stream', stream: { ...opening, farewell: wire.farewell } satisfies StreamOpening }
    }
    if (request.method !== 'GET') return { is: 'body', tooLong: withHeaders(tooLong, cors), decide: begin }
    return begin(connectMessage(request.query))
  }

  private emulation(request: PlainRequest, cors: Headers): RequestDecision {
    const done = (outcome: EmulationOutcome): HttpAnswer => {
      this.parts.onEmulated(outcome)
      return withHeaders(outcomes[outcome], cors)
    }
    return {
      is: 'body',
      tooLong: withHeaders(tooLong, cors),
      decide: (body) => {
        const outcome = this.parts.emulation.take(body, isProtobuf(request))
        return typeof outcome === 'string'
          ? { is: 'answer', answer: done(outcome) }
          : { is: 'later', answer: outcome.then(done) }
      },
    }
  }
}

/** HD3. */
const outcomes: Readonly<Record<EmulationOutcome, HttpAnswer>> = {
  taken: { status: 204 },
  malformed: { status: 400, body: 'A session, its node and commands are wanted.\n' },
  'no-node': { status: 404, body: 'No such node.\n' },
  'no-session': { status: 500, body: 'No such session.\n' },
  failed: { status: 500, body: 'The node of this session did not answer.\n' },
}

const jsonType = { 'content-type': 'application/json' }
const nothingAsked = Buffer.from('{}')

const answer = (status: number, body: string, headers: Headers): Answer => ({
  is: 'answer',
  answer: { status, body, headers },
})

const refused = ({ status, body, headers }: Refused, cors: Headers = {}): Answer =>
  answer(status, `${body}\n`, { ...cors, ...headers })

const speaksWebSocket = (path: string): Answer => {
  const how =
    path === uniWebsocketPath ? 'open one and send a connect request' : 'connect with a Centrifugo SDK'
  return answer(400, `This address speaks WebSocket, not plain HTTP: ${how}.\n`, {})
}

const withHeaders = (given: HttpAnswer, headers: Headers): HttpAnswer => ({ ...given, headers })

/** [2.1] */
const isProtobuf = ({ headers }: Pick<RequestHead, 'headers'>): boolean =>
  (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() === 'application/octet-stream'

/** What a client that can send no body says in the address. */
export const connectMessage = (query: string): Uint8Array =>
  Buffer.from(new URLSearchParams(query).get('cf_connect') ?? '')
