/**
 * The port without a network, for tests and for machines without the binary. A client is a {@link MemoryClient} from `connect`.
 *
 * Frames travel one turn: what the server writes in a turn reaches the client after it, as it would over a socket. A paused
 * client's frames wait and count against `maxQueueBytes`.
 */
import type { Frame } from '@natter/protocol'
import { longestPayloadBytes } from '../payload-limit.js'
import { framers } from '../stream/framing.js'
import { aborted, StreamSocket } from '../stream/stream-socket.js'
import { StreamSockets } from '../stream/stream-sockets.js'
import type {
  PlainRequest,
  RequestDecision,
  RequestHead,
  SocketHandlers,
  SocketServer,
  SocketServerOptions,
  StreamOpening,
  UpgradeRequest,
} from '../transport.js'
import { webSocketOnly } from '../web-socket-only.js'
import { MemoryClient } from './memory-client.js'
import { MemorySocket } from './memory-socket.js'
import { MemoryPipe, MemoryStream, type MemoryAnswer } from './memory-stream.js'

export interface MemoryRequestOptions {
  /** Default POST. */
  method?: string
  path: string
  query?: string
  headers?: Readonly<Record<string, string>>
  body?: string | Uint8Array
  remoteAddress?: string
}

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
  private readonly streams: StreamSockets<C>
  private isListening = false
  private readonly maxMessageBytes: number

  constructor(
    private readonly options: SocketServerOptions,
    readonly handlers: SocketHandlers<C>,
  ) {
    this.maxMessageBytes = options.maxMessageBytes ?? 65_536
    this.streams = new StreamSockets(options.maxQueueBytes ?? 1_048_576, handlers)
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

  /** A plain request: an answer, or a response that stays open. */
  async request(options: MemoryRequestOptions): Promise<MemoryStream | MemoryAnswer> {
    if (!this.isListening) return { accepted: false, status: 503, body: 'not listening' }
    const { method = 'POST', body = '' } = options
    const request: PlainRequest = { ...toHead(options), method }
    const { socketPath = '/connection/websocket' } = this.options
    const first: RequestDecision = this.handlers.onRequest?.(request) ?? {
      is: 'answer',
      answer: webSocketOnly(request.path, socketPath),
    }
    const decision = first.is === 'body' ? this.decideBody(first, Buffer.from(body)) : first
    switch (decision.is) {
      case 'answer':
        return { accepted: false, ...decision.answer }
      case 'later':
        return { accepted: false, ...(await decision.answer) }
      case 'stream':
        return this.openStream(decision.stream, request.remoteAddress)
    }
  }

  private decideBody(
    { tooLong, decide }: Extract<RequestDecision, { is: 'body' }>,
    body: Uint8Array,
  ): Exclude<RequestDecision, { is: 'body' }> {
    return body.byteLength > this.maxMessageBytes ? { is: 'answer', answer: tooLong } : decide(body)
  }

  private openStream(opening: StreamOpening, remoteAddress: string): MemoryStream {
    const pipe = new MemoryPipe()
    const socket = new StreamSocket<C>(this.streams, remoteAddress, opening, pipe)
    pipe.ends = {
      writable: () => socket.writable(),
      gone: () => socket.gone(aborted.code, aborted.reason),
    }
    this.streams.opened(socket)
    const { contentType, preamble } = framers[opening.framing]
    const stream = new MemoryStream({ 'content-type': contentType, ...opening.headers }, pipe)
    if (preamble !== undefined) pipe.write(Buffer.from(preamble))
    this.handlers.onOpen(socket)
    if (socket.isOpen) this.handlers.onMessage(socket, opening.message, opening.isBinary)
    return stream
  }

  publish(topic: string, frame: Frame): void {
    for (const socket of this.topics.get(topic) ?? []) socket.write(frame)
    this.streams.publish(topic, frame)
  }

  pauseListening(): void {
    this.isListening = false
  }

  resumeListening(): boolean {
    this.isListening = true
    return true
  }

  stopListening(): void {
    this.isListening = false
  }

  close(): void {
    this.isListening = false
    this.streams.close()
    for (const socket of this.sockets) socket.cut()
  }

  private receive(socket: MemorySocket<C>, message: Uint8Array, isBinary: boolean): void {
    if (!socket.isOpen) return
    if (message.byteLength > longestPayloadBytes(this.maxMessageBytes)) return socket.cut()
    if (message.byteLength > this.maxMessageBytes) return socket.end(1009, 'message too big')
    this.handlers.onMessage(socket, message, isBinary)
  }
}

const toHead = (options: Omit<MemoryConnectOptions, 'subprotocols'>): RequestHead => ({
  path: options.path ?? '/connection/websocket',
  query: options.query ?? '',
  headers: options.headers ?? {},
  remoteAddress: options.remoteAddress ?? '127.0.0.1',
})

const toRequest = (options: MemoryConnectOptions): UpgradeRequest => ({
  ...toHead(options),
  subprotocols: options.subprotocols ?? [],
})
