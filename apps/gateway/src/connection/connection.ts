import { encodeMeta } from '@natter/broker'
import type { Clock, Timer } from '@natter/primitives'
import type { HubConnection } from '@natter/hub'
import type { Bytes, Codec, Command, DisconnectCode, Frame, Push, Reply, Capability } from '@natter/protocol'
import type { SendVerdict, Socket } from '@natter/transport'
import type { Headers } from '../hooks/handshake-headers.js'
import { clientInfoOf } from './client-info.js'
import { GatheredReplies } from './gathered-replies.js'
import type { Lane } from './intake.js'

/** Who a connection is, once it said so. */
export interface Identity {
  user: string
  connInfo?: Bytes
  /** When the token, or what the app said, ends; milliseconds since 1970, undefined = never. */
  expiresAtMs: number | undefined
  /** Who it is was said by an app, not by a token. */
  app?: AppIdentity
}

export interface AppIdentity {
  /** For later hooks alone. */
  metaJson?: string
  capabilities?: readonly Capability[]
}

/**
 * One socket's life, from upgrade to close: the state and its legal moves. Nothing else changes the state.
 *
 *     awaiting ──connect──► connecting ──ok──► connected
 *         │                     │ error            │
 *         │ 10 s: 3502          ▼                  │
 *         └───────────────► refused                │
 *                  all of them ──► closed ◄────────┘
 *
 * N1. Before `connected` nothing but `connect` is handled; what arrives with it waits in order (`connecting`).
 *     While it is connecting it may become known who it is (`identified`): from then on whoever looks for the user finds it.
 * N2. A timer belongs to the state it was started for and ends with it.
 * N3. After `closed` every method is a no-op; commands still running find their replies swallowed.
 * N4. Gathered replies leave before anything else that is written, before the end, and by the end of the turn.
 */
type State =
  | { kind: 'awaiting'; stale: Timer }
  | { kind: 'connecting'; stale: Timer; waiting: Command[]; user: string }
  /** Answered `connect` with an error: the client has to go, any further command closes it. */
  | { kind: 'refused'; stale: Timer }
  | { kind: 'connected'; identity: Identity; expiry: Timer | undefined }
  | { kind: 'closed' }

export class Connection implements HubConnection {
  /** Pings that were sent and not answered: two, when a busy node sent them late and close together. */
  owedPongs = 0
  /** The beat of the ping wheel that this connection listens to. */
  pingSlot = -1
  /** Commands being handled; bounded by the dispatcher. */
  inFlight = 0
  /** Its gateway is about to end: nothing more that it sends is read. */
  isLeaving = false
  /** Its way in; the intake's, made with the first message. */
  lane: Lane | undefined
  /** What apps are shown of its request; undefined = nothing. */
  headers: Headers | undefined
  /** Whose it is: behind a trusted proxy not the socket's. */
  address: string
  readonly openedAtMs: number
  private state: State
  private gathered: GatheredReplies | undefined
  /** Of the present identity; made with the first publication. */
  private knownMeta: string | undefined

  constructor(
    readonly id: string,
    readonly socket: Socket<Connection>,
    readonly codec: Codec,
    private readonly clock: Clock,
    staleCloseMs: number,
    onStale: () => void,
  ) {
    this.openedAtMs = clock.now()
    this.address = socket.remoteAddress
    this.state = { kind: 'awaiting', stale: clock.setTimer(onStale, staleCloseMs) }
  }

  get kind(): State['kind'] {
    return this.state.kind
  }

  get isConnected(): boolean {
    return this.state.kind === 'connected'
  }

  get user(): string {
    if (this.state.kind === 'connected') return this.state.identity.user
    return this.state.kind === 'connecting' ? this.state.user : ''
  }

  get identity(): Identity | undefined {
    return this.state.kind === 'connected' ? this.state.identity : undefined
  }

  /** What its publications carry of it, as `encodeMeta` writes it. */
  get meta(): string {
    this.knownMeta ??= encodeMeta({ kind: 'json', info: clientInfoOf(this) })
    return this.knownMeta
  }

  send(frame: Frame): SendVerdict {
    this.flush() // N4
    return this.socket.send(frame)
  }

  /** Written at once. */
  reply(reply: Reply): void {
    this.send(this.codec.reply(reply))
  }

  /** Written by the end of the turn, with the other replies of the turn: for those that nothing else has to follow. */
  replyInTurn(reply: Reply): void {
    if (this.gathered === undefined) setImmediate(flush, this)
    this.gathered ??= new GatheredReplies(this.codec)
    if (this.gathered.add(reply)) return
    this.flush()
    this.replyInTurn(reply)
  }

  flush(): void {
    const { gathered } = this
    this.gathered = undefined
    if (gathered !== undefined) this.socket.send(gathered.toFrame())
  }

  push(push: Push): SendVerdict {
    return this.send(this.codec.push(push))
  }

  /** awaiting → connecting; false when that is not legal. */
  startConnecting(): boolean {
    if (this.state.kind !== 'awaiting') return false
    this.state = { kind: 'connecting', stale: this.state.stale, waiting: [], user: '' }
    return true
  }

  /** Still connecting, but known. */
  identified(user: string): void {
    if (this.state.kind === 'connecting') this.state.user = user
  }

  /** N1: keeps a command until the connect is done; undefined when it is not the time for that. */
  hold(command: Command, maxHeld: number): 'held' | 'full' | undefined {
    if (this.state.kind !== 'connecting') return undefined
    if (this.state.waiting.length >= maxHeld) return 'full'
    this.state.waiting.push(command)
    return 'held'
  }

  /** connecting → connected; answers what was held, in order. */
  connected(identity: Identity): Command[] {
    if (this.state.kind !== 'connecting') return []
    this.state.stale.cancel() // N2
    const { waiting } = this.state
    this.state = { kind: 'connected', identity, expiry: undefined }
    return waiting
  }

  /** connecting → refused: the stale timer stays and ends a client that lingers. */
  refused(): void {
    if (this.state.kind === 'connecting') this.state = { kind: 'refused', stale: this.state.stale }
  }

  /** Replaces identity and expiry timer of a connected client. */
  renew(identity: Identity, onExpired: () => void, afterMs: number | undefined): void {
    if (this.state.kind !== 'connected') return
    this.state.expiry?.cancel()
    const expiry = afterMs === undefined ? undefined : this.clock.setTimer(onExpired, afterMs)
    this.state = { kind: 'connected', identity, expiry }
    this.knownMeta = undefined
  }

  /** Ends the socket; its `onClose` does the rest. */
  disconnect({ code, reason }: DisconnectCode): void {
    this.flush() // N4
    this.socket.end(code, reason)
  }

  /** The socket is gone. */
  closed(): void {
    if (this.state.kind === 'connected') this.state.expiry?.cancel()
    else if (this.state.kind !== 'closed') this.state.stale.cancel()
    this.state = { kind: 'closed' }
    this.gathered = undefined
  }
}

/** One function for all: a closure for each connection would cost memory. */
const flush = (connection: Connection): void => connection.flush()
