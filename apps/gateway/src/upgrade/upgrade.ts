import type { TypedEvents } from '@natter/primitives'
import type { UpgradeDecision, UpgradeRequest } from '@natter/transport'
import type { GatewayEvents } from '../gateway.events.js'
import { OriginRule } from './origin.js'
import { jsonSubprotocol, protobufSubprotocol } from './wire-of.js'

const path = '/connection/websocket'

/** [2.1] What a client offers of them is echoed, or it would end the handshake; Protobuf where it offers both. */
const subprotocols = [protobufSubprotocol, jsonSubprotocol]

type Refusal = GatewayEvents['connection:refuse']['reason']

/** Which HTTP requests become sockets: the right path, an allowed origin, an encoding we speak, room for one more. */
export class Upgrade {
  private readonly origins: OriginRule
  private isClosed = false

  constructor(
    private readonly options: { allowedOrigins: readonly string[]; maxConnections: number },
    private readonly connectionCount: () => number,
    private readonly events: TypedEvents<GatewayEvents>,
  ) {
    this.origins = new OriginRule(options.allowedOrigins)
  }

  /** Nobody is let in any more; a connection that was accepted before may still ask. */
  close(): void {
    this.isClosed = true
  }

  decide(request: UpgradeRequest): UpgradeDecision {
    if (request.path !== path) return this.refuse('path', 404, `Clients connect to ${path}.`)
    if (!this.origins.allows(request.headers['origin'])) {
      return this.refuse('origin', 403, 'This origin is not allowed: add it to client.allowed_origins.')
    }
    if (this.isClosed) {
      return this.refuse('draining', 503, 'This gateway is about to end. Try another one.', {
        'retry-after': '1',
      })
    }
    if (this.connectionCount() >= this.options.maxConnections) {
      return this.refuse('limit', 503, 'This gateway is full. Try another one.', { 'retry-after': '1' })
    }
    const subprotocol = subprotocols.find((name) => request.subprotocols.includes(name))
    return subprotocol === undefined ? { accept: true } : { accept: true, subprotocol }
  }

  private refuse(
    reason: Refusal,
    status: number,
    body: string,
    headers?: Readonly<Record<string, string>>,
  ): UpgradeDecision {
    this.events.emit('connection:refuse', { reason })
    return headers === undefined ? { accept: false, status, body } : { accept: false, status, body, headers }
  }
}
