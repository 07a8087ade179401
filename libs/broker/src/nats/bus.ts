import type { Msg, Subscription } from '@nats-io/transport-node'
import { InvalidError, type Clock, type TypedEvents } from '@natter/primitives'
import type { BrokerEvents, Bus, BusMessage, BusSubscription, StoredAt } from '../broker.js'
import { Coalesced } from '../coalesced.js'
import { away, type Listener, type NatsLink } from './connection.js'
import { rawHeaders, scanOf, tokenOf } from './raw-message.js'

/** Core NATS as our {@link Bus}. Callbacks only: an async iterator costs more than the message. */
export class NatsBus implements Bus {
  private readonly flushing: Coalesced<void>
  private readonly asks: Asks

  constructor(
    private readonly link: NatsLink,
    private readonly events: TypedEvents<BrokerEvents>,
    private readonly clock: Clock,
  ) {
    this.flushing = new Coalesced(() => this.flushNow())
    this.asks = new Asks(link, events, clock)
  }

  get isConnected(): boolean {
    return this.link.isConnected
  }

  get isAnswering(): boolean {
    return this.link.isAnswering
  }

  publish(subject: string, body: Uint8Array, meta?: string): void {
    this.link.requireConnected()
    this.requireFits(subject, body, meta)
    if (meta === undefined) this.link.publish(subject, body)
    else this.link.publish(subject, body, { headers: rawHeaders([`Natter-Meta: ${meta}`]) })
  }

  subscribe(subject: string, onMessage: (message: BusMessage) => void): BusSubscription {
    return new Listening(this.link, this.events, subject, onMessage)
  }

  async flush(): Promise<void> {
    this.link.requireConnected()
    return this.flushing.call()
  }

  async ask(
    subject: string,
    body: Uint8Array,
    options: { timeoutMs: number; onReply(body: Uint8Array): boolean },
  ): Promise<boolean> {
    this.link.requireConnected()
    this.requireFits(subject, body, undefined)
    return this.asks.ask(subject, body, options)
  }

  private async flushNow(): Promise<void> {
    this.link.requireConnected()
    try {
      await this.link.flush()
    } catch (cause) {
      throw away(cause)
    }
  }

  private requireFits(subject: string, body: Uint8Array, meta: string | undefined): void {
    const sizeBytes = body.length + (meta?.length ?? 0) + 64 // the header's own text
    if (sizeBytes <= this.link.maxPayloadBytes) return
    throw new InvalidError('message-too-large', `${sizeBytes} bytes on ${subject} are more than NATS carries`)
  }
}

interface Asking {
  subject: string
  onReply(body: Uint8Array): boolean
  end(isHeard: boolean): void
}

/**
 * Questions over one wildcard inbox: numbered reply subjects and one map. (A subscription for each question was more than half of what
 * the question cost.) The inbox is subscribed by the first question.
 */
class Asks implements Listener {
  private readonly waiting = new Map<number, Asking>()
  private readonly inbox: string
  private subscription: Subscription | undefined
  private lastToken = 0

  constructor(
    private readonly link: NatsLink,
    private readonly events: TypedEvents<BrokerEvents>,
    private readonly clock: Clock,
  ) {
    this.inbox = `${link.inbox}.ask`
    link.onLoss(() => {
      if (link.nc.isClosed()) for (const { end } of this.waiting.values()) end(true) // no reply can come any more
    })
  }

  ask(
    subject: string,
    body: Uint8Array,
    { timeoutMs, onReply }: { timeoutMs: number; onReply(body: Uint8Array): boolean },
  ): Promise<boolean> {
    this.listen()
    const token = (this.lastToken += 1)
    return new Promise((resolve, reject) => {
      const end = (isHeard: boolean): void => {
        timer.cancel()
        this.waiting.delete(token)
        resolve(isHeard)
      }
      const timer = this.clock.setTimer(() => end(true), timeoutMs)
      this.waiting.set(token, { subject, onReply, end })
      try {
        this.link.publish(subject, body, { reply: `${this.inbox}.${token}` })
      } catch (error) {
        reject(error)
        end(false)
      }
    })
  }

  hear(msg: Msg): void {
    const asking = this.waiting.get(tokenOf(msg))
    if (asking === undefined) return
    try {
      if (isNobody(msg)) asking.end(false)
      else if (asking.onReply(msg.data)) asking.end(true)
    } catch (error) {
      this.events.emit('bus:callback:error', { subject: asking.subject, error })
    }
  }

  /** A subscription that was refused is closed: the next question tries again. */
  private listen(): void {
    if (this.subscription?.isClosed() === false) return
    this.subscription = this.link.subscribe(`${this.inbox}.*`, this)
  }
}

/** The server says that nobody listens. */
const isNobody = (msg: Msg): boolean => msg.data.length === 0 && scanOf(msg)?.status === 503

/** One object for each channel of a node: no closures beside the one that the driver needs. */
class Listening implements BusSubscription {
  private isStopped = false
  private readonly subscription: Subscription

  constructor(
    private readonly link: NatsLink,
    private readonly events: TypedEvents<BrokerEvents>,
    private readonly subject: string,
    private readonly onMessage: (message: BusMessage) => void,
  ) {
    this.subscription = link.subscribe(subject, this)
  }

  hear(msg: Msg): void {
    if (this.isStopped) return
    try {
      this.onMessage(new NatsMessage(msg, this.link))
    } catch (thrown) {
      this.events.emit('bus:callback:error', { subject: this.subject, error: thrown })
    }
  }

  stop(): void {
    if (this.isStopped) return
    this.isStopped = true
    if (!this.subscription.isClosed()) this.subscription.unsubscribe()
  }

  /** The driver's drain goes on calling back until the server has answered that it sends nothing more. */
  async drain(): Promise<void> {
    const isOpen = this.link.isConnected && !this.isStopped && !this.subscription.isClosed()
    if (isOpen) await this.subscription.drain().catch(() => undefined)
    this.stop()
  }
}

class NatsMessage implements BusMessage {
  readonly meta: string | undefined
  readonly stored: StoredAt | undefined

  constructor(
    private readonly msg: Msg,
    private readonly link: NatsLink,
  ) {
    const scan = scanOf(msg)
    this.meta = scan?.meta
    const isStored = scan !== undefined && scan.isFromStream && scan.timeNs !== undefined
    this.stored = isStored ? { seq: scan.seq, prev: scan.lastSeq, timeNs: scan.timeNs ?? 0n } : undefined
  }

  get subject(): string {
    return this.msg.subject
  }

  get body(): Uint8Array {
    return this.msg.data
  }

  respond(body: Uint8Array): void {
    const { reply } = this.msg
    // by the same way as all else, so that what was published before it arrives before it
    if (this.link.isConnected && reply !== undefined && reply !== '') this.link.publish(reply, body)
  }
}
