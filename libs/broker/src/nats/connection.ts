import {
  connect,
  credsAuthenticator,
  errors,
  type Msg,
  type NatsConnection,
  type NodeConnectionOptions,
  type Subscription,
} from '@nats-io/transport-node'
import { InvalidError, messageOf, UnavailableError, type Clock, type TypedEvents } from '@natter/primitives'
import { readFile } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { BrokerEvents } from '../broker.js'
import { Outbox } from './outbox.js'
import { requireServer } from './server-version.js'

export interface NatsOptions {
  urls: readonly string[]
  /** Shown in the server's list of connections. */
  name: string
  connectTimeoutMs: number
  user?: string
  pass?: string
  token?: string
  credsFile?: string
}

const TRY_PAUSE_MS = 150
const TELL_EVERY_MS = 10_000
const RECONNECT_FLOOR_MS = 100
const RECONNECT_JITTER_MS = 300

/**
 * A ping that was not answered when the next is due says that the server hangs (C4), or that this process stood still; which of the two is
 * known `UNREAD_MS` later, 1.7 s at most after it began. So who asks each second whether this node is of use knows within 3 s. The
 * connection is given up after 4.8 s: a server that is slow for a moment loses none.
 */
const PING_EVERY_MS = 800
const PINGS_BEFORE_LOSS = 5
const UNREAD_MS = 100

/** One attempt to connect: an address that swallows what is sent to it must not use up all the time there is. */
const DIAL_MS = 3_000

/** How long the last words may take: a supervisor does not wait much longer for a process to end. */
const GOODBYE_MS = 500

/** Hears the messages of one subscription. */
export interface Listener {
  hear(msg: Msg): void
}

/**
 * One connection to NATS and whether it is up *now*.
 *
 * C1. `isConnected` is what everybody asks before sending: the driver swallows what is published while it redials.
 * C2. Losing the connection is told to the listeners in the turn in which the driver tells it, before `broker:disconnect`.
 * C3. A permission that is missing is told: as the end of the boot, and later as `broker:subscription:refused`. (The driver calls
 *     a refused subscription back with an error and an empty object for a message, and forgets it.)
 * C4. A server that hangs is noticed within two seconds, by the driver's own pings (`isAnswering`), and given up after five. A process that
 *     stands still blames nobody: timers are due before what has come meanwhile is read, so it is read before it is missed.
 */
export class NatsLink {
  private awaySinceMs: number | undefined
  private isSilent = false
  private reconnects = 0
  private readonly outbox: Outbox
  private readonly lossListeners = new Set<() => void>()
  private readonly backListeners = new Set<() => void>()
  private onDenial: ((denial: InvalidError) => void) | undefined

  private constructor(
    readonly nc: NatsConnection,
    readonly inbox: string,
    private readonly events: TypedEvents<BrokerEvents>,
    private readonly clock: Clock,
  ) {
    this.outbox = new Outbox(nc)
  }

  /**
   * @throws UnavailableError `nats-unreachable` when no server answered in time.
   * @throws InvalidError `nats-too-old`, `nats-refused`.
   */
  static async open(
    options: NatsOptions,
    inbox: string,
    events: TypedEvents<BrokerEvents>,
    clock: Clock,
  ): Promise<NatsLink> {
    const nc = await dial(
      await driverOptions(options, inbox),
      options,
      new ConnectWait(options, events, clock),
    )
    const link = new NatsLink(nc, inbox, events, clock)
    try {
      requireServer(link.version, link.server)
    } catch (error) {
      await nc.close()
      throw error
    }
    void link.follow()
    events.emit('broker:connect', { server: link.server, version: link.version })
    return link
  }

  get isConnected(): boolean {
    return this.awaySinceMs === undefined && !this.nc.isClosed()
  }

  /** C4 */
  get isAnswering(): boolean {
    return this.isConnected && !this.isSilent
  }

  /** @throws UnavailableError `nats-away`. */
  requireConnected(): void {
    if (!this.isConnected) throw away()
  }

  get server(): string {
    return this.nc.getServer()
  }

  get version(): string {
    return this.nc.info?.version ?? '0.0.0'
  }

  get maxPayloadBytes(): number {
    return this.nc.info?.max_payload ?? 1_048_576
  }

  onLoss(listener: () => void): void {
    this.lossListeners.add(listener)
  }

  onBack(listener: () => void): void {
    this.backListeners.add(listener)
  }

  /** Leaves by the end of the turn, with all that is published in it. @throws InvalidError `message-too-large`, `bad-subject`. */
  publish(subject: string, body: Uint8Array, options?: { reply?: string; headers?: Uint8Array }): void {
    this.requireFits(body, options?.headers)
    this.outbox.publish(subject, options?.reply, options?.headers, body)
  }

  /** The same to an address of `requestAddress`. @throws InvalidError `message-too-large`. */
  request(address: Uint8Array, token: number, body: Uint8Array, headers: Uint8Array | undefined): void {
    this.requireFits(body, headers)
    this.outbox.request(address, token, headers, body)
  }

  /** Resolves when the server has all that was published before. @throws what the driver says when the connection goes. */
  flush(): Promise<void> {
    this.outbox.flush()
    return this.nc.flush()
  }

  /** What the callback throws would end the driver's reader, and the connection with it. */
  subscribe(subject: string, listener: Listener): Subscription {
    this.outbox.flush()
    return this.nc.subscribe(subject, {
      callback: (error, msg) => {
        if (error === null) listener.hear(msg)
        else this.events.emit('broker:subscription:refused', { subject, error }) // C3
      },
    })
  }

  /**
   * The outcome of the work, or of the first permission that it lacks: without it the work would end in silence.
   *
   * @throws InvalidError `nats-permission-missing`.
   */
  async unlessDenied<T>(work: Promise<T>): Promise<T> {
    const denial = new Promise<never>((_, reject) => {
      this.onDenial = reject
    })
    try {
      return await Promise.race([work, denial])
    } finally {
      this.onDenial = undefined
    }
  }

  async close(): Promise<void> {
    if (this.nc.isClosed()) return
    // what was published in this turn still leaves, but a server that is away or hangs isn't waited for
    if (this.isConnected) await this.flushBriefly()
    await this.nc.close()
  }

  private flushBriefly(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.clock.setTimer(resolve, GOODBYE_MS)
      const done = (): void => {
        timer.cancel()
        resolve()
      }
      this.flush().then(done, done)
    })
  }

  private requireFits(body: Uint8Array, headers: Uint8Array | undefined): void {
    const sizeBytes = body.length + (headers === undefined ? 0 : headers.length)
    if (sizeBytes <= this.maxPayloadBytes) return
    throw new InvalidError('message-too-large', `${sizeBytes} bytes are more than NATS carries`)
  }

  private async follow(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'disconnect' && this.awaySinceMs === undefined) this.lost(status.server)
      else if (status.type === 'reconnect') this.back()
      else if (status.type === 'ping' && status.pendingPings > 1) void this.doubt()
      else if (status.type === 'error' && status.error instanceof errors.PermissionViolationError)
        this.onDenial?.(permissionMissing(status.error)) // C3
      else if (status.type === 'close') this.lossListeners.forEach((listener) => listener())
    }
  }

  /** C4. The ping that is about to be sent is not the only one without an answer. */
  private async doubt(): Promise<void> {
    const { reconnects } = this
    let isAnswered = false
    const hear = (): void => {
      isAnswered = true
      this.isSilent = false
    }
    this.nc.flush().then(hear, () => {}) // the connection went: told elsewhere
    await new Promise<void>((resolve) => this.clock.setTimer(resolve, UNREAD_MS))
    await nextTurn()
    if (!isAnswered && reconnects === this.reconnects) this.isSilent = true
  }

  private lost(server: string): void {
    this.awaySinceMs = this.clock.now()
    this.outbox.drop()
    for (const listener of this.lossListeners) listener() // C2
    this.events.emit('broker:disconnect', { server })
  }

  private back(): void {
    const awayMs = this.clock.now() - (this.awaySinceMs ?? this.clock.now())
    this.awaySinceMs = undefined
    this.isSilent = false
    this.reconnects += 1
    for (const listener of this.backListeners) listener()
    this.events.emit('broker:reconnect', { server: this.server, awayMs })
  }
}

export function away(cause?: unknown): UnavailableError {
  return new UnavailableError('nats-away', 'NATS is away: not sent, repeat when it is back', { cause })
}

function permissionMissing(cause: InstanceType<typeof errors.PermissionViolationError>): InvalidError {
  const sentence = `NATS does not permit this user the ${cause.operation} to ${cause.subject}: grant it in the server's configuration`
  return new InvalidError('nats-permission-missing', sentence, { cause })
}

async function driverOptions(options: NatsOptions, inbox: string): Promise<NodeConnectionOptions> {
  const { user, pass, token, credsFile } = options
  return {
    servers: [...options.urls],
    name: options.name,
    inboxPrefix: inbox,
    noAsyncTraces: true,
    maxReconnectAttempts: -1,
    pingInterval: PING_EVERY_MS,
    maxPingOut: PINGS_BEFORE_LOSS,
    ignoreAuthErrorAbort: true,
    reconnectDelayHandler: () => RECONNECT_FLOOR_MS + Math.random() * RECONNECT_JITTER_MS,
    ...(user === undefined ? {} : { user }),
    ...(pass === undefined ? {} : { pass }),
    ...(token === undefined ? {} : { token }),
    ...(credsFile === undefined ? {} : { authenticator: credsAuthenticator(await readCreds(credsFile)) }),
  }
}

async function readCreds(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new InvalidError('bad-creds-file', `The NATS credentials file ${file} can't be read`, { cause })
  }
}

/** Until when the first connect is tried, and what is told of it meanwhile. */
export class ConnectWait {
  readonly tried: string
  private readonly endMs: number
  private tellAtMs = 0

  constructor(
    options: NatsOptions,
    private readonly events: TypedEvents<BrokerEvents>,
    private readonly clock: Clock,
  ) {
    this.tried = options.urls.map((url) => withoutSecrets(url)).join(', ')
    this.endMs = clock.now() + options.connectTimeoutMs
  }

  get leftMs(): number {
    return this.endMs - this.clock.now()
  }

  /** After an attempt that failed: false when there is no time for another one. */
  async again(cause: unknown): Promise<boolean> {
    const { leftMs } = this
    if (leftMs <= TRY_PAUSE_MS) return false
    if (this.clock.now() >= this.tellAtMs) {
      this.tellAtMs = this.clock.now() + TELL_EVERY_MS
      this.events.emit('broker:connect:wait', { tried: this.tried, why: messageOf(cause), leftMs })
    }
    await new Promise<void>((resolve) => this.clock.setTimer(resolve, TRY_PAUSE_MS))
    return true
  }
}

/** Tries until the deadline: a server that is just booting isn't an error. */
async function dial(
  driver: NodeConnectionOptions,
  options: NatsOptions,
  waiting: ConnectWait,
): Promise<NatsConnection> {
  for (;;) {
    try {
      return await connect({ ...driver, timeout: Math.min(DIAL_MS, Math.max(100, waiting.leftMs)) })
    } catch (cause) {
      if (
        cause instanceof errors.AuthorizationError ||
        cause instanceof errors.UserAuthenticationExpiredError
      ) {
        const sentence = `NATS at ${waiting.tried} refused the credentials`
        throw new InvalidError('nats-refused', sentence, { cause })
      }
      if (!(await waiting.again(cause))) throw unreachable(options, waiting.tried, cause)
    }
  }
}

function unreachable(options: NatsOptions, tried: string, cause: unknown): UnavailableError {
  const sentence = `NATS can't be reached. Tried ${tried} for ${options.connectTimeoutMs} ms, last answer: ${messageOf(cause)}`
  return new UnavailableError('nats-unreachable', sentence, { cause })
}

function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//')
}
