import type { TypedEvents } from '@natter/primitives'
import type { RequestHead, UpgradeDecision, UpgradeRequest } from '@natter/transport'
import type { GatewayEvents } from '../gateway.events.js'
import type { NoRoom } from '../limits/node-limits.js'
import { derived } from '../settings/settings.js'
import { OriginRule } from './origin.js'
import { allTransports, type Transports } from './transports.js'
import { jsonSubprotocol, protobufSubprotocol, uniWebsocketPath, websocketPath } from './wire-of.js'

/** [2.1] What a client offers of them is echoed, or it would end the handshake; Protobuf where it offers both. */
const subprotocols = [protobufSubprotocol, jsonSubprotocol]

type Reason = GatewayEvents['connection:refuse']['reason']

export interface Refused {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export interface UpgradeOptions {
  client: {
    allowedOrigins: readonly string[]
    /** Default all. */
    transports?: Transports
  }
}

/** Which HTTP requests become sockets: the right path, an allowed origin, an encoding we speak, room for one more. */
export class Upgrade {
  private readonly origins: () => OriginRule
  private isClosed = false

  constructor(
    private readonly options: () => UpgradeOptions,
    private readonly take: () => NoRoom | undefined,
    private readonly events: TypedEvents<GatewayEvents>,
  ) {
    this.origins = derived(
      () => options().client.allowedOrigins,
      (patterns) => new OriginRule(patterns),
    )
  }

  /** Nobody is let in any more; a connection that was accepted before may still ask. */
  close(): void {
    this.isClosed = true
  }

  decide(request: UpgradeRequest): UpgradeDecision {
    const refused = this.serves(request.path)
      ? (this.refusal(request, 'origin') ?? this.refusal(request, 'room'))
      : this.unknownPath()
    if (refused !== undefined) return { accept: false, ...refused }
    const offered = request.path === uniWebsocketPath ? [jsonSubprotocol] : subprotocols
    const subprotocol = offered.find((name) => request.subprotocols.includes(name))
    return subprotocol === undefined ? { accept: true } : { accept: true, subprotocol }
  }

  /** Whether WebSockets are opened there. */
  serves(path: string): boolean {
    if (path === websocketPath) return this.transports.websocket
    return path === uniWebsocketPath && this.transports.uniWebsocket
  }

  unknownPath(): Refused {
    const way = this.transports.websocket ? ` SDKs connect to ${websocketPath}.` : ''
    return this.refuse('path', 404, `Nothing is here, or it is switched off (transport.*).${way}`)
  }

  /** Why the request may not come in: whose page it is of, or that there is no room. Counted. */
  refusal({ headers }: RequestHead, about: 'origin' | 'room'): Refused | undefined {
    if (about === 'origin') {
      const isAllowed = this.origins().allows(headers['origin'])
      return isAllowed
        ? undefined
        : this.refuse('origin', 403, 'This origin is not allowed: add it to client.allowed_origins.')
    }
    if (this.isClosed) {
      return this.refuse('draining', 503, 'This gateway is about to end. Try another one.', retryLater)
    }
    const why = this.take()
    return why === undefined ? undefined : this.refuse(why, 503, noRoomBodies[why], retrySpread())
  }

  private get transports(): Transports {
    return this.options().client.transports ?? allTransports
  }

  private refuse(reason: Reason, status: number, body: string, headers: Refused['headers'] = {}): Refused {
    this.events.emit('connection:refuse', { reason })
    return { status, body, headers }
  }
}

const noRoomBodies: Readonly<Record<NoRoom, string>> = {
  limit: 'This gateway is full. Try another one.',
  descriptors: 'This gateway has no descriptors left. Try another one.',
  rate: 'Too many connect to this gateway at once. Try again in a moment.',
}

const retryLater = { 'retry-after': '1' }

/** Those who come back come back spread. */
const retrySpread = (): Refused['headers'] => ({ 'retry-after': String(1 + Math.floor(Math.random() * 5)) })
