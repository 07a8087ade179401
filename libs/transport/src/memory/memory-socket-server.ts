/**
 * The port without a network, for tests and for machines without the binary. A client is a {@link MemoryClient} from `connect`.
 *
 * Frames travel one turn: what the server writes in a turn reaches the client after it, as it would over a socket. A paused
 * client's frames wait and count against `maxQueueBytes`.
 */
import type { Frame } from '@natter/protocol'
import { longestPayloadBytes } from '../payload-limit.js'
import type { SocketHandlers, SocketServer, SocketServerOptions, UpgradeRequest } from '../transport.js'
import { MemoryClient } from './memory-client.js'
import { MemorySocket } from './memory-socket.js'

export interface MemoryConnectOptions {
  path?: string
  query?: string
  headers?: Readonly<Record<string, string>>
  subprotocols?: readonly string[]
  remoteAddress?: string
}

/** What a refused client sees. */
export interface MemoryRefusal {
  accepted: false
  status: number
  body: string
  headers: Readonly<Record<string, string>>
}

export class MemorySocketServer<C> implements SocketServer<C> {
  private readonly topics = new Map<string, Set<MemorySocket<C>>>()
  private readonly sockets = new Set<MemorySocket<C>>()
  private isListening = false
  private readonly maxMessageBytes: number

  constructor(
    private readonly options: SocketServerOptions,
    readonly handlers: SocketHandlers<C>,
  ) {
    this.maxMessageBytes = options.maxMessageBytes ?? 65_536
  }

  async listen(): Promise<number> {
    this.isListening = true
    return this.options.port === 0 ? 1 : this.options.port
  }

  /** Opens a client, or says how it was refused. */
  connect(options: MemoryConnectOptions = {}): MemoryClient | MemoryRefusal {
    if (!this.isListening) return { accepted: false, status: 503, body: 'not listening', headers: {} }
    const request = toRequest(options)
    const decision = this.handlers.onUpgrade(request)
    if (!decision.accept) {
      return {
        accepted: false,
        status: decision.status,
        body: decision.body,
        headers: decision.headers ?? {},
      }
    }
    const socket = new MemorySocket<C>({
      remoteAddress: request.remoteAddress,
      maxQueueBytes: this.options.maxQueueBytes ?? 1_048_576,
      topics: this.topics,
      onDrain: () => this.handlers.onDrain(socket),
      onClose: (code, reason) => {
        this.sockets.delete(socket)
        this.handlers.onClose(socket, code, reason)
      },
    })
    this.sockets.add(socket)
    const client = new MemoryClient(socket, decision.subprotocol, (message, isBinary) =>
      this.receive(socket, message, isBinary),
    )
    this.handlers.onOpen(socket)
    return client
  }

  publish(topic: string, frame: Frame): void {
    for (const socket of this.topics.get(topic) ?? []) socket.write(frame)
  }

  stopListening(): void {
    this.isListening = false
  }

  close(): void {
    this.isListening = false
    for (const socket of this.sockets) socket.cut()
  }

  private receive(socket: MemorySocket<C>, message: Uint8Array, isBinary: boolean): void {
    if (!socket.isOpen) return
    if (message.byteLength > longestPayloadBytes(this.maxMessageBytes)) return socket.cut()
    if (message.byteLength > this.maxMessageBytes) return socket.end(1009, 'message too big')
    this.handlers.onMessage(socket, message, isBinary)
  }
}

const toRequest = (options: MemoryConnectOptions): UpgradeRequest => ({
  path: options.path ?? '/connection/websocket',
  query: options.query ?? '',
  headers: options.headers ?? {},
  remoteAddress: options.remoteAddress ?? '127.0.0.1',
  subprotocols: options.subprotocols ?? [],
})
