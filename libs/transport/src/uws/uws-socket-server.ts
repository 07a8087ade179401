/**
 * The port on uWebSockets.js: topics are the library's own, so a publication is one native call for all its subscribers.
 *
 * S1. A drop is noted inside `dropped` and dealt with before the next thing that could write: at the end of the native call it
 *     happened in, at the start of the next one, or in `setImmediate`, whichever comes first (T2).
 *     A big frame is handed over only when no publication held back before it can be lost any more ({@link NearLimit}).
 * S2. The users of such sockets hear of it in `setImmediate`, never in the middle of a publish or a send.
 * S3. `onOpen` and `onClose` pair up: a socket closes for its user in `end`, in the library's close event or after a drop,
 *     and only its first close is reported (T4).
 * S4. Responses that stay open are in no topic of the library: they are gone through in JavaScript (`stream/`).
 */
import { UnavailableError } from '@natter/primitives'
import type { Frame } from '@natter/protocol'
import type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_listen_socket,
  us_socket_context_t,
  WebSocketBehavior,
} from 'uWebSockets.js'
import { longestPayloadBytes } from '../payload-limit.js'
import { StreamSocket, aborted } from '../stream/stream-socket.js'
import { StreamSockets } from '../stream/stream-sockets.js'
import { webSocketOnly } from '../web-socket-only.js'
import type { Certificate, SocketHandlers, SocketServer, SocketServerOptions } from '../transport.js'
import { DropLedger } from './drop-ledger.js'
import { loadUws, type Uws } from './load-uws.js'
import { bigFrameBytes, NearLimit } from './near-limit.js'
import { Requests, type RequestOwner } from './requests.js'
import { readPair, stampOf, watchPair } from './tls-files.js'
import { readUpgradeRequest, refuse } from './upgrade.js'
import { slow, UwsSocket, type SocketBox, type SocketOwner } from './uws-socket.js'

/** `LIBUS_LISTEN_DEFAULT` and `LIBUS_LISTEN_EXCLUSIVE_PORT`; the package's types declare the enum, its code does not export it. */
const listenShared = 0
const listenExclusively = 1

/**
 * One certificate's app. A new one takes over the port when the files have changed; this one keeps the sockets that it has until the
 * last is gone.
 */
interface Generation {
  readonly app: TemplatedApp
  /** WebSockets, and requests that are not answered yet. */
  busy: number
}

interface Port {
  readonly uws: Uws
  readonly number: number
  /** Undefined: it could not be had again for a new certificate; that is tried at each look at the files. */
  readonly socket: us_listen_socket | undefined
  readonly stopWatching: () => void
}

type State =
  | { kind: 'idle' }
  | { kind: 'listening'; port: Port; current: Generation; old: readonly Generation[] }
  | { kind: 'deaf'; current: Generation; old: readonly Generation[] }
  | { kind: 'closed' }

const decoder = new TextDecoder()

/** How long the connections of an old app may idle between two requests. */
const oldIdleMs = 15_000

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
  private readonly streams: StreamSockets<C>
  /** Shorter frames are not compressed. */
  readonly compressFromBytes: number
  private state: State = { kind: 'idle' }

  constructor(
    private readonly options: SocketServerOptions,
    readonly handlers: SocketHandlers<C>,
    private readonly load: () => Promise<Uws> = loadUws,
  ) {
    this.maxMessageBytes = options.maxMessageBytes ?? 65_536
    this.maxQueueBytes = options.maxQueueBytes ?? 1_048_576
    this.nearLimit = new NearLimit(this.maxQueueBytes)
    this.streams = new StreamSockets(this.maxQueueBytes, handlers)
    this.compressFromBytes = options.compression?.fromBytes ?? Infinity
  }

  get undrainedBytes(): number {
    return this.drops.undrainedBytes
  }

  async listen(): Promise<number> {
    const { host, port, tls } = this.options
    const uws = await this.load()
    const stamp = tls === undefined ? '' : stampOf(tls) // before they are read: what changes from here on is looked at again
    if (tls !== undefined) this.handlers.onCertificate?.(readPair(tls))
    const generation = this.createGeneration(uws)
    let socket = this.listenOn(generation, port)
    if (socket === false) {
      generation.app.close()
      throw new UnavailableError(
        'port-in-use',
        `Port ${port} on ${host} is already in use (${host}:${port}).`,
      )
    }
    const number = uws.us_socket_local_port(socket)
    if (tls !== undefined && port === 0) {
      uws.us_listen_socket_close(socket) // only a socket that was told its port lets another take over while it has connections
      socket = this.listenOn(generation, number)
      if (socket === false) throw new UnavailableError('port-in-use', `Port ${number} was taken at once.`)
    }
    this.state = {
      kind: 'listening',
      port: { uws, number, socket, stopWatching: this.watchFiles(stamp) },
      current: generation,
      old: [],
    }
    return number
  }

  publish(topic: string, frame: Frame): void {
    const { state } = this
    if (state.kind !== 'listening' && state.kind !== 'deaf') return
    const payloadBytes = typeof frame === 'string' ? Buffer.byteLength(frame) : frame.byteLength
    const isBig = payloadBytes >= bigFrameBytes
    const isCompressed = payloadBytes >= this.compressFromBytes
    const wireBytes = payloadBytes + maxHeaderBytes + (isCompressed ? maxDeflateBytes : 0)
    if (isBig) this.nearLimit.beforeBigFrame(this.drops.undrainedBytes)
    else this.drops.held(wireBytes)
    this.nearLimit.published(wireBytes, isBig)
    this.drops.settle() // S1
    const isBinary = typeof frame !== 'string'
    state.current.app.publish(topic, frame, isBinary, isCompressed)
    this.drops.settle()
    for (const { app } of state.old) {
      app.publish(topic, frame, isBinary, isCompressed)
      this.drops.settle()
    }
    this.streams.publish(topic, frame)
  }

  pauseListening(): void {
    if (this.state.kind !== 'listening') return
    if (this.options.port === 0) return // a port that the system chose can't be taken again while it has connections
    letGo(this.state.port)
    this.state = { ...this.state, port: { ...this.state.port, socket: undefined } }
  }

  resumeListening(): boolean {
    if (this.state.kind !== 'listening' || this.state.port.socket !== undefined) return true
    const socket = this.listenOn(this.state.current, this.state.port.number)
    if (socket === false) return false
    this.state = { ...this.state, port: { ...this.state.port, socket } }
    return true
  }

  stopListening(): void {
    if (this.state.kind !== 'listening') return
    const { port, current, old } = this.state
    port.stopWatching()
    letGo(port)
    this.state = { kind: 'deaf', current, old }
  }

  close(): void {
    this.stopListening()
    if (this.state.kind !== 'deaf') return
    const { current, old } = this.state
    this.state = { kind: 'closed' }
    this.streams.close()
    for (const { app } of [current, ...old]) app.close()
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

  private createGeneration(uws: Uws): Generation {
    const { tls } = this.options
    const app =
      tls === undefined ? uws.App() : uws.SSLApp({ cert_file_name: tls.certFile, key_file_name: tls.keyFile })
    const generation: Generation = { app, busy: 0 }
    const requests = new Requests(this.requestOwner(generation))
    app
      .ws<SocketBox<C>>('/*', this.behavior(uws, generation))
      .any('/*', (res, req) => requests.handle(res, req))
    return generation
  }

  private behavior(uws: Uws, generation: Generation): WebSocketBehavior<SocketBox<C>> {
    const { compression } = this.options
    return {
      ...(compression === undefined ? {} : { compression: compressors(uws) }),
      maxPayloadLength: longestPayloadBytes(this.maxMessageBytes), // of what was compressed too
      maxBackpressure: this.maxQueueBytes,
      closeOnBackpressureLimit: false, // it would cut with 1006 instead of 3008
      sendPingsAutomatically: false, // pings are the protocol's, and the hub's
      idleTimeout: 0,
      upgrade: (res, req, context) => this.upgrade(res, req, context),
      open: (native) => {
        const { socket } = native.getUserData()
        generation.busy += 1
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
      pong: (native) => {
        const { socket } = native.getUserData()
        if (socket.isOpen) this.handlers.onPong?.(socket)
      },
      close: (native, code, reason) => {
        const { socket } = native.getUserData()
        this.nearLimit.closed(socket)
        this.freed(generation)
        socket.nativeClosed(code, decoder.decode(reason))
      },
    }
  }

  private requestOwner(generation: Generation): RequestOwner {
    const { handlers, streams } = this
    const { socketPath = '/connection/websocket' } = this.options
    return {
      maxBodyBytes: this.maxMessageBytes,
      decide: (request) =>
        handlers.onRequest?.(request) ?? { is: 'answer', answer: webSocketOnly(request.path, socketPath) },
      openStream: (opening, remoteAddress, pipe) => {
        const socket = new StreamSocket<C>(streams, remoteAddress, opening, pipe)
        streams.opened(socket)
        handlers.onOpen(socket)
        if (socket.isOpen) handlers.onMessage(socket, opening.message, opening.isBinary)
        return {
          writable: () => socket.writable(),
          gone: () => socket.gone(aborted.code, aborted.reason),
        }
      },
      onBusy: (change) => {
        if (change === 1) generation.busy += 1
        else this.freed(generation)
      },
    }
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

  private listenOn({ app }: Generation, port: number): us_listen_socket | false {
    const { host, sharePort = false } = this.options
    return listenOn(app, host, port, sharePort ? listenShared : listenExclusively)
  }

  private watchFiles(stamp: string): () => void {
    const { tls } = this.options
    if (tls === undefined) return () => {}
    return watchPair(tls, stamp, tls.lookEveryMs ?? 10_000, {
      use: (certificate) => this.renew(certificate),
      onBroken: (error) => this.handlers.onBrokenCertificate?.(error),
    })
  }

  /**
   * The library can change the certificate of a name, not that of clients who name none: so another app takes the port, in one turn.
   *
   * @throws Error the library doesn't take the files: nothing has changed then.
   * @throws UnavailableError `port-in-use`: the certificate before stays, or nobody new is let in; the next look tries again.
   */
  private renew(certificate: Certificate): void {
    if (this.state.kind !== 'listening') return
    const { port, current, old } = this.state
    const next = this.createGeneration(port.uws)
    letGo(port)
    const socket = this.listenOn(next, port.number)
    if (socket === false) {
      next.app.close()
      const again = this.listenOn(current, port.number)
      this.state = { ...this.state, port: { ...port, socket: again === false ? undefined : again } }
      throw portLost(port.number, again !== false)
    }
    this.state = { kind: 'listening', port: { ...port, socket }, current: next, old: [...old, current] }
    this.handlers.onCertificate?.(certificate)
    this.retire(current)
  }

  private freed(generation: Generation): void {
    generation.busy -= 1
    this.retire(generation)
  }

  /** Closes an old app that has nothing left, when its clients had the time to ask again. */
  private retire(generation: Generation): void {
    const isUnused = (): boolean =>
      generation.busy === 0 && 'old' in this.state && this.state.old.includes(generation)
    if (!isUnused()) return
    setTimeout(() => {
      if (!isUnused() || !('old' in this.state)) return
      this.state = { ...this.state, old: this.state.old.filter((one) => one !== generation) }
      generation.app.close()
    }, oldIdleMs).unref()
  }
}

function letGo({ uws, socket }: Port): void {
  if (socket !== undefined) uws.us_listen_socket_close(socket)
}

function portLost(port: number, isListening: boolean): UnavailableError {
  const what = isListening
    ? 'The certificate before stays until it can be.'
    : 'Nobody new is let in until it can be.'
  return new UnavailableError(
    'port-in-use',
    `Port ${port} could not be taken over for the new certificate. ${what}`,
  )
}

/** The package's types lack them. No window is kept for what is sent: 15,000 sockets with one each would be gigabytes. */
function compressors(uws: Uws): number {
  const { SHARED_COMPRESSOR: out, SHARED_DECOMPRESSOR: into } = uws as unknown as Record<string, number>
  return (out ?? 0) | (into ?? 0)
}

/** Of a server's frame: no mask. */
const maxHeaderBytes = 10
/** What compression adds where there is nothing to compress. */
const maxDeflateBytes = 22

/** The overload with host and options exists, though the package's types lack it. */
type Listen = (
  host: string,
  port: number,
  options: number,
  done: (socket: us_listen_socket | false) => void,
) => void

/** The library answers before it returns. */
function listenOn(app: TemplatedApp, host: string, port: number, options: number): us_listen_socket | false {
  let listening: us_listen_socket | false = false
  ;(app.listen as unknown as Listen).call(app, host, port, options, (socket) => {
    listening = socket
  })
  return listening
}
