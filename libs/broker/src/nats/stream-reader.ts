/**
 * Reads a stream from one place on, page by page, through an ephemeral consumer. A message costs the server a third of what it costs
 * in a direct get (libs/broker/README.md).
 *
 * SR1. Nothing is left out unnoticed: the consumer numbers its deliveries, and a number that is missing ends the reader.
 * SR2. A reader stands at one place and reads one page at a time. A page that failed ends it: where it stands is not known any more.
 * SR3. What comes for an ended reader finds nobody: each has a subscription of its own, because a delivery bears the subject of its
 *      message. Only words of the server come to the inbox, and its last token says for which page.
 * SR4. Nothing has to be cleared away: the server drops a consumer that nobody asks.
 */
import { UnavailableError, type Clock, type Timer } from '@natter/primitives'
import type { Msg, Subscription } from '@nats-io/transport-node'
import type { StreamMessage } from '../broker.js'
import type { Delivery } from '../delivery.js'
import { away, type Listener, type NatsLink } from './connection.js'
import type { JetStreamApi } from './jetstream-api.js'
import { deliveryOf, metaOf, scanOf, subjectOf, tokenOf } from './raw-message.js'

export interface StreamPage {
  messages: StreamMessage[]
  /** How many more there were. */
  pending: number
}

export interface ReaderParts {
  link: NatsLink
  api: JetStreamApi
  clock: Clock
  timeoutMs: number
}

interface Reading {
  is: 'reading'
  page: StreamPage
  limit: number
  deadline: Timer
  resolve(page: StreamPage): void
  reject(error: unknown): void
}

type State = { is: 'idle' } | Reading | { is: 'ended' }

const NO_MESSAGES = 404

let readers = 0

export class StreamReader implements Listener {
  private state: State = { is: 'idle' }
  private readonly inbox: string
  private readonly subscription: Subscription
  /** Number of the last delivery. */
  private delivered = 0
  private pages = 0

  private constructor(
    private readonly parts: ReaderParts,
    private readonly stream: string,
    private readonly consumer: string,
    private at: number,
  ) {
    readers += 1
    this.inbox = `${parts.link.inbox}.s.${readers}`
    this.subscription = parts.link.subscribe(`${this.inbox}.*`, this)
  }

  /** @throws ApiRefusal, UnavailableError. */
  static async open(parts: ReaderParts, stream: string, from: number): Promise<StreamReader> {
    const consumer = await parts.api.createConsumer(stream, from)
    return new StreamReader(parts, stream, consumer, from)
  }

  /** Where the next page begins. Undefined while one is read, and after the end. */
  get next(): number | undefined {
    return this.state.is === 'idle' ? this.at : undefined
  }

  /**
   * The next messages: at most `limit` and about `maxBytes`. None only when there are none. Their bodies are views of what came over
   * the connection: for who is soon done with them.
   *
   * @throws UnavailableError; the reader is ended then.
   */
  page(limit: number, maxBytes: number): Promise<StreamPage> {
    const { link, clock, timeoutMs } = this.parts
    return new Promise((resolve, reject) => {
      const deadline = clock.setTimer(() => this.end(unreadable(this.stream, 'no answer in time')), timeoutMs)
      this.state = { is: 'reading', page: { messages: [], pending: 0 }, limit, deadline, resolve, reject }
      this.pages += 1
      const wish = JSON.stringify({ batch: limit, max_bytes: maxBytes, no_wait: true })
      try {
        link.requireConnected()
        const reply = `${this.inbox}.${this.pages}`
        const question = `$JS.API.CONSUMER.MSG.NEXT.${this.stream}.${this.consumer}`
        link.publish(question, Buffer.from(wish, 'utf8'), { reply })
      } catch (error) {
        this.end(error)
      }
    })
  }

  hear(msg: Msg): void {
    if (this.state.is !== 'reading') return
    const delivery = deliveryOf(msg)
    if (delivery === undefined) this.hearWord(this.state, msg)
    else if (delivery.number === this.delivered + 1) this.take(this.state, msg, delivery)
    else this.end(unreadable(this.stream, `delivery ${delivery.number} after ${this.delivered}`)) // SR1
  }

  /** The connection is lost, or somebody reads elsewhere. A page that is read fails. */
  end(error: unknown = away()): void {
    const { state } = this
    if (state.is === 'ended') return
    this.state = { is: 'ended' }
    this.subscription.unsubscribe() // SR3
    if (state.is !== 'reading') return
    state.deadline.cancel()
    state.reject(error)
  }

  private take(reading: Reading, msg: Msg, { seq, timeNs, number, pending }: Delivery): void {
    const { page, limit } = reading
    this.delivered = number
    this.at = seq + 1
    page.pending = pending
    page.messages.push({ seq, timeNs, body: msg.data, meta: metaOf(msg), subject: subjectOf(msg) })
    if (page.messages.length === limit) this.finish(reading)
  }

  /** The server says why no more comes: nothing is left, or the next message is too big for what was asked. */
  private hearWord(reading: Reading, msg: Msg): void {
    if (tokenOf(msg) !== this.pages) return // SR3
    const status = scanOf(msg)?.status ?? 0
    if (reading.page.messages.length > 0 || status === NO_MESSAGES) this.finish(reading)
    else this.end(unreadable(this.stream, `status ${status}`)) // SR2
  }

  private finish({ deadline, page, resolve }: Reading): void {
    deadline.cancel()
    this.state = { is: 'idle' }
    resolve(page)
  }
}

function unreadable(stream: string, why: string): UnavailableError {
  return new UnavailableError('stream-unavailable', `${stream} can't be read now: ${why}`)
}
