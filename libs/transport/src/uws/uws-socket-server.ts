/**
 * The port on uWebSockets.js: topics are the library's own, so a publication is one native call for all its subscribers.
 *
 * S1. A drop is noted inside `dropped` and dealt with before the next thing that could write: at the end of the native call it
 *     happened in, at the start of the next one, or in `setImmediate`, whichever comes first (T2).
 *     A big frame is handed over only when no publication held back before it can be lost any more ({@link NearLimit}).
 * S2. The users of such sockets hear of it in `setImmediate`, never in the middle of a publish or a send.
 * S3. `onOpen` and `onClose` pair up: a socket closes for its user in `end`, in the library's close event or after a drop,
 *     and only its first close is reported (T4).
 */
import { UnavailableError } from '@natter/primitives'
import type { Frame } from '@natter/protocol'
import type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_listen_socket,
  us_socket_context_t,
} from 'uWebSockets.js'
import { longestPayloadBytes } from '../payload-limit.js'
import type { SocketHandlers, SocketServer, SocketServerOptions } from '../transport.js'
import { DropLedger } from './drop-ledger.js'
import { loadUws, type Uws } from './load-uws.js'
import { bigFrameBytes, NearLimit } from './near-limit.js'
import { answerPlainHttp, readUpgradeRequest, refuse } from './upgrade.js'
import { slow, UwsSocket, type SocketBox, type SocketOwner } from './uws-socket.js'

/** `LIBUS_LISTEN_DEFAULT` and `LIBUS_LISTEN_EXCLUSIVE_PORT`; the package's types declare the enum, its code does not export it. */
const listenShared = 0
const listenExclusively = 1

type Listening =
  | { kind: 'idle' }
  | { kind: 'listening'; uws: Uws; app: TemplatedApp; socket: us_listen_socket }
  | { kind: 'deaf'; app: TemplatedApp }
  | { kind: 'closed' }

const decoder = new TextDecoder()

/** Serves sockets on uWebSockets.js. The binary is loaded by `listen`. */
export function createUwsServer<C>(
  options: SocketServerOptions,
  handlers: SocketHandlers<C>,
): SocketServer<C> {
  return new UwsSocketServer(options, handlers)
}

export class UwsSocketServer<C> implements SocketServer<C>, SocketOwner<C> {
  readonly maxQueueBytes: number
  private readonly maxMessageBytes: number
  private readonly drops = new DropLedger<C>((socket) => this.onClosed(socket, slow.code, slow.reason))
  private readonly nearLimit: NearLimit<C>
  private state: Listening = { kind: 'idle' }

  constructor(
    private readonly options: SocketServerOptions,
    readonly handlers: SocketHandlers<C>,
    private readonly load: () => Promise<Uws> = loadUws,
  ) {
    this.maxMessageBytes = options.maxMessageBytes ?? 65_536
    this.maxQueueBytes = options.maxQueueBytes ?? 1_048_576
    this.nearLimit = new NearLimit(this.maxQueueBytes)
  }

  get undrainedBytes(): number {
    return this.drops.undrainedBytes
  }

  async listen(): Promise<number> {
    const { host, port, sharePort = false } = this.options
    const uws = await this.load()
    const app = this.createApp(uws)
    const socket = await listenOn(app, host, port, sharePort ? listenShared : listenExclusively)
    if (socket === false) {
      app.close()
      throw new UnavailableError(
        'port-in-use',
        `Port ${port} on ${host} is already in use (${host}:${port}).`,
      )
    }
    this.state = { kind: 'listening', uws, app, socket }
    return uws.us_socket_local_port(socket)
  }

  publish(topic: string, frame: Frame): void {
    if (this.state.kind !== 'listening' && this.state.kind !== 'deaf') return
    const payloadBytes = typeof frame === 'string' ? Buffer.byteLength(frame) : frame.byteLength
    const isBig = payloadBytes >= bigFrameBytes
    if (isBig) this.nearLimit.beforeBigFrame(this.drops.undrainedBytes)
    else this.drops.held(payloadBytes + maxHeaderBytes)
    this.nearLimit.published(payloadBytes + maxHeaderBytes, isBig)
    this.drops.settle() // S1
    this.state.app.publish(topic, frame, typeof frame !== 'string', false)
    this.drops.settle()
  }

  stopListening(): void {
    if (this.state.kind !== 'listening') return
    const { uws, app, socket } = this.state
    uws.us_listen_socket_close(socket)
    this.state = { kind: 'deaf', app }
  }

  close(): void {
    this.stopListening()
    if (this.state.kind !== 'deaf') return
    const { app } = this.state
    this.state = { kind: 'closed' }
    app.close()
    this.drops.report()
  }

  settleDrops(): void {
    this.drops.settle()
  }

  onQueued(socket: UwsSocket<C>): void {
    this.nearLimit.suspect(socket)
  }

  onClosed(socket: UwsSocket<C>, code: number, reason: string): void {
    this.handlers.onClose(socket, code, reason)
  }

  private createApp(uws: Uws): TemplatedApp {
    const { socketPath = '/connection/websocket' } = this.options
    return uws
      .App()
      .ws<SocketBox<C>>('/*', {
        maxPayloadLength: longestPayloadBytes(this.maxMessageBytes),
        maxBackpressure: this.maxQueueBytes,
        closeOnBackpressureLimit: false, // it would cut with 1006 instead of 3008
        sendPingsAutomatically: false, // pings are the protocol's, and the hub's
        idleTimeout: 0,
        upgrade: (res, req, context) => this.upgrade(res, req, context),
        open: (native) => {
          const { socket } = native.getUserData()
          socket.opened(native)
          this.nearLimit.opened(socket)
          this.handlers.onOpen(socket)
        },
        message: (native, message, isBinary) => this.message(native.getUserData().socket, message, isBinary),
        dropped: (native) => this.drops.note(native.getUserData().socket),
        drain: (native) => {
          const { socket } = native.getUserData()
          this.drops.settle()
          this.nearLimit.drained()
          if (socket.drained()) this.handlers.onDrain(socket)
        },
        close: (native, code, reason) => {
          const { socket } = native.getUserData()
          this.nearLimit.closed(socket)
          socket.nativeClosed(code, decoder.decode(reason))
        },
      })
      .any('/*', (res, req) => answerPlainHttp(res, req, socketPath))
  }

  private upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
    const request = readUpgradeRequest(res, req)
    const decision = this.handlers.onUpgrade(request)
    if (!decision.accept) return refuse(res, decision)
    res.upgrade<SocketBox<C>>(
      { socket: new UwsSocket<C>(this, request.remoteAddress) },
      request.headers['sec-websocket-key'] ?? '',
      decision.subprotocol ?? '',
      request.headers['sec-websocket-extensions'] ?? '',
      context,
    )
  }

  private message(socket: UwsSocket<C>, message: ArrayBuffer, isBinary: boolean): void {
    if (!socket.isOpen) return // T4: closed for its user, though the peer still talks
    if (message.byteLength > this.maxMessageBytes) return socket.end(1009, 'message too big')
    this.handlers.onMessage(socket, new Uint8Array(message), isBinary)
  }
}

/** Of a server's frame: no mask. */
const maxHeaderBytes = 10

/** The overload with host and options exists, though the package's types lack it. */
type Listen = (
  host: string,
  port: number,
  options: number,
  done: (socket: us_listen_socket | false) => void,
) => void

const listenOn = (
  app: TemplatedApp,
  host: string,
  port: number,
  options: number,
): Promise<us_listen_socket | false> =>
  new Promise((resolve) => {
    ;(app.listen as unknown as Listen).call(app, host, port, options, resolve)
  })
