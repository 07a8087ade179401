import { encodeMeta, type PublicationMeta } from '@natter/broker'
import type { Clock, Timer } from '@natter/primitives'
import type { HubConnection } from '@natter/hub'
import {
  isJson,
  type Bytes,
  type Command,
  type DisconnectCode,
  type Frame,
  type Push,
  type Reply,
  type Capability,
} from '@natter/protocol'
import type { Socket } from '@natter/transport'
import { GatheredFrames } from '../channels/gathered-frames.js'
import type { Headers } from '../hooks/handshake-headers.js'
import type { AppName } from './app-name.js'
import { clientInfoOf } from './client-info.js'
import type { Sender } from '../publishing/publisher.js'
import type { Lane } from './intake.js'
import type { Wire } from './wire.js'

/** Who a connection is, once it said so. */
export interface Identity {
  user: string
  connInfo?: Bytes
  /** When the token, or what the app said, ends; milliseconds since 1970, undefined = never. */
  expiresAtMs: number | undefined
  /** The token's own name, by which it may be revoked. This and the next are only there where a token said them. */
  tokenId?: string
  /** Milliseconds since 1970. */
  issuedAtMs?: number
  /** For apps alone. */
  metaJson?: string
  /** What it may do beside what its namespaces allow: shared with others who are told the same. Absent = nothing. */
  capabilities?: readonly Capability[]
  /** Which subscriptions the token began the connection with. */
  tokenChannels?: readonly string[]
  /** Who it is was said by an app, not by a token. */
  app?: AppIdentity
}

/** What a publication may carry beside its data and its publisher. */
export type PublicationMarks = Pick<PublicationMeta, 'tags' | 'delta' | 'isPassing'>

export interface AppIdentity {
  /** For later hooks alone. */
  metaJson?: string
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
 * N4. What it is told leaves in the order it was said, in as few frames as a turn's fits into: by the end of the turn, before it
 *     joins a topic, and before its end.
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
  /** Undefined: it doesn't say. */
  app: AppName | undefined
  /** By what its other requests are known, where it says all it says in such. [15] */
  sessionKey: string | undefined
  /** Whose it is: behind a trusted proxy not the socket's. */
  address: string
  readonly openedAtMs: number
  private state: State
  private gathered: GatheredFrames | undefined
  /** Of the present identity; made with the first publication. */
  private knownMeta: string | undefined

  constructor(
    readonly id: string,
    readonly socket: Socket<Connection>,
    readonly wire: Wire,
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

  /**
   * Who publishes this: bytes that are no JSON are marked as such.
   *
   * @param chanInfo What others are shown of its subscription.
   * @param marks What the publication carries beside; undefined = nothing.
   */
  senderOf(data: Bytes, chanInfo?: Bytes, marks?: PublicationMarks): Sender {
    const isText = this.wire.codec.encoding === 'json' || isJson(data)
    if (isText && chanInfo === undefined && marks === undefined) return this
    const info = clientInfoOf(this)
    if (chanInfo !== undefined) info.chanInfo = chanInfo
    return { user: this.user, meta: encodeMeta({ ...marks, kind: isText ? 'json' : 'bin', info }) }
  }

  reply(reply: Reply): void {
    this.say(this.wire.codec.reply(reply))
  }

  push(push: Push): void {
    this.say(this.wire.codec.push(push))
  }

  /** Of its flavour. */
  say(frame: Frame): void {
    if (this.gathered === undefined) setImmediate(flush, this)
    this.gathered ??= new GatheredFrames(this.wire.codec)
    if (this.gathered.add(frame)) return
    this.flush()
    this.say(frame)
  }

  /** Hands what was said to the socket; it may turn out that this has closed. */
  flush(): void {
    const { gathered } = this
    this.gathered = undefined
    if (gathered !== undefined) this.socket.send(gathered.toFrame())
  }

  join(topic: string): void {
    this.flush() // N4
    this.socket.join(topic)
  }

  leave(topic: string): void {
    this.socket.leave(topic)
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
