import type { Msg, Subscription } from '@nats-io/transport-node'
import { InvalidError, type Clock, type TypedEvents } from '@natter/primitives'
import type { BrokerEvents, Bus, BusMessage, BusSubscription, StoredAt } from '../broker.js'
import { Coalesced } from '../coalesced.js'
import { away, type NatsLink } from './connection.js'
import { rawHeaders, scanOf } from './raw-message.js'

/** Core NATS as our {@link Bus}. Callbacks only: an async iterator costs more than the message. */
export class NatsBus implements Bus {
  private readonly flushing: Coalesced<void>

  constructor(
    private readonly link: NatsLink,
    private readonly events: TypedEvents<BrokerEvents>,
    private readonly clock: Clock,
  ) {
    this.flushing = new Coalesced(() => this.flushNow())
  }

  get isConnected(): boolean {
    return this.link.isConnected
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
  ): Promise<void> {
    this.link.requireConnected()
    this.requireFits(subject, body, undefined)
    return new Promise<void>((resolve, reject) => {
      const reply = `${this.link.inbox}.ask.${(this.lastAsk += 1)}`
      const end = (): void => {
        timer.cancel()
        replies.stop()
        resolve()
      }
      const timer = this.clock.setTimer(end, options.timeoutMs)
      const replies = this.subscribe(reply, (message) => {
        if (message instanceof NatsMessage && message.isNobody) return end()
        if (options.onReply(message.body)) end()
      })
      try {
        this.link.publish(subject, body, { reply })
      } catch (error) {
        reject(error)
        end()
      }
    })
  }

  private lastAsk = 0

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
}

class NatsMessage implements BusMessage {
  readonly meta: string | undefined
  readonly stored: StoredAt | undefined
  /** The server says that nobody listens. */
  readonly isNobody: boolean

  constructor(
    private readonly msg: Msg,
    private readonly link: NatsLink,
  ) {
    const scan = scanOf(msg)
    this.meta = scan?.meta
    this.isNobody = scan?.status === 503 && msg.data.length === 0
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
    if (this.link.isConnected) this.msg.respond(body)
  }
}
