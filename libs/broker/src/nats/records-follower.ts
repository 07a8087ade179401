/**
 * Tells one listener all records, from the first on, and then each that is stored.
 *
 * RF1. Each beginning is an attempt: it takes a mark, reads the stream from its first message through a consumer of its own, and has caught
 *      up when it has heard the mark or something behind it (RC2). What belongs to an earlier attempt finds nobody.
 * RF2. The consumer numbers its deliveries: a number that is missing, a word of the server that ends the consumer, and three seconds without a
 *      heartbeat end the attempt. The next one begins at once after a reconnect, else after a pause.
 * RF3. A listener hears `begin` in the turn in which the link is back: until `caughtUp` it knows that it may not know all. A mesh that is
 *      silent on a link that stands is away like one that is gone: `begin` comes with its first answer. After `begin` the loss of the link
 *      alone is `away`: a reading that breaks off before it has caught up doesn't mean that what is known is all there is to know.
 * RF4. A process that stands still blames nobody: what has come meanwhile is read before it is missed.
 */
import { Backoff, UnavailableError, type Clock, type Timer } from '@natter/primitives'
import type { Msg, Subscription } from '@nats-io/transport-node'
import type { RecordsListener } from '../broker.js'
import type { Listener, NatsLink } from './connection.js'
import { refusalToError, type JetStreamApi } from './jetstream-api.js'
import { deliveryOf, scanOf, subjectOf, tokenOf } from './raw-message.js'

export interface FollowerParts {
  link: NatsLink
  api: JetStreamApi
  clock: Clock
  stream: string
  /** Of the subjects; what follows is the key. */
  prefix: string
  /** Answers the sequence up to which everything that counts has to be heard. */
  mark(): Promise<number>
  listener: RecordsListener
}

const pullMessages = 1_000
const pullNs = 30_000_000_000
const heartbeatNs = 1_000_000_000
const lookEveryMs = 1_000
const silentMs = 3_000
const pauses = { baseMs: 100, maxMs: 2_000 }

const HEARTBEAT = 100
const NOTHING_NOW = 404
const PULL_IS_OVER = 408

let readings = 0

export class RecordsFollower {
  /** RF1 */
  private attempt = 0
  private reading: Reading | undefined
  private retry: Timer | undefined
  private readonly backoff = new Backoff(pauses)
  private isStopped = false

  constructor(private readonly parts: FollowerParts) {
    parts.link.onLoss(() => this.lost())
    parts.link.onBack(() => this.back())
    void this.open()
  }

  stop(): void {
    this.isStopped = true
    this.end()
  }

  private lost(): void {
    if (this.isStopped) return
    this.end()
    this.parts.listener.away()
  }

  private back(): void {
    if (this.isStopped) return
    this.parts.listener.begin() // RF3
    void this.open()
  }

  private end(): void {
    this.attempt += 1 // RF1
    this.retry?.cancel()
    this.retry = undefined
    this.reading?.end()
    this.reading = undefined
  }

  private async open(): Promise<void> {
    this.end()
    const { attempt } = this
    const { api, stream, mark, listener } = this.parts
    try {
      const upTo = await mark()
      const consumer = await api.createConsumer(stream, 1)
      if (attempt !== this.attempt) return
      listener.begin()
      this.reading = new Reading(this.parts, consumer, upTo, {
        caughtUp: () => {
          this.backoff.reset()
          listener.caughtUp()
        },
        ended: (error, hadCaughtUp) => this.failed(error, hadCaughtUp),
      })
    } catch (error) {
      if (attempt === this.attempt) this.failed(refusalToError(error), false)
    }
  }

  /** RF2 */
  private failed(error: unknown, hadCaughtUp: boolean): void {
    const { link, clock, listener } = this.parts
    this.end()
    if (this.isStopped) return
    listener.trouble(error)
    if (hadCaughtUp) listener.away() // RF3
    if (!link.isConnected) return // the next reconnect comes here
    this.retry = clock.setTimer(() => void this.open(), this.backoff.next())
  }
}

/** One attempt's consumer, from its first delivery to its end. */
class Reading implements Listener {
  private readonly inbox: string
  private readonly subscription: Subscription
  private delivered = 0
  private pulls = 0
  private leftInPull = 0
  private heardAtMs: number
  private hasCaughtUp = false
  private isOver = false
  private look: Timer | undefined

  constructor(
    private readonly parts: FollowerParts,
    private readonly consumer: string,
    private readonly upTo: number,
    private readonly on: { caughtUp(): void; ended(error: unknown, hadCaughtUp: boolean): void },
  ) {
    readings += 1
    this.inbox = `${parts.link.inbox}.k.${readings}`
    this.subscription = parts.link.subscribe(`${this.inbox}.*`, this)
    this.heardAtMs = parts.clock.now()
    this.planLook()
    this.pull()
  }

  hear(msg: Msg): void {
    if (this.isOver) return
    this.heardAtMs = this.parts.clock.now()
    const delivery = deliveryOf(msg)
    if (delivery === undefined) return this.hearWord(msg)
    this.delivered += 1
    if (delivery.number !== this.delivered)
      return this.fail(`delivery ${delivery.number} after ${this.delivered - 1}`)
    this.take(msg, delivery.seq)
    this.leftInPull -= 1
    if (this.leftInPull === 0) this.pull()
  }

  end(): void {
    if (this.isOver) return
    this.isOver = true
    this.look?.cancel()
    if (!this.subscription.isClosed()) this.subscription.unsubscribe()
  }

  private take(msg: Msg, revision: number): void {
    const { prefix, listener } = this.parts
    const key = subjectOf(msg).slice(prefix.length)
    // a copy: a view would hold all that came with it
    if (msg.data.length > 0) listener.record({ key, value: new Uint8Array(msg.data), revision })
    if (this.hasCaughtUp || revision < this.upTo) return
    this.hasCaughtUp = true
    this.on.caughtUp()
  }

  private hearWord(msg: Msg): void {
    const status = scanOf(msg)?.status ?? 0
    if (status === HEARTBEAT || tokenOf(msg) !== this.pulls) return
    if (status === PULL_IS_OVER || status === NOTHING_NOW) this.pull()
    else this.fail(`status ${status}`)
  }

  private pull(): void {
    const { link, stream } = this.parts
    this.pulls += 1
    this.leftInPull = pullMessages
    const wish = { batch: pullMessages, expires: pullNs, idle_heartbeat: heartbeatNs }
    const reply = `${this.inbox}.${this.pulls}`
    link.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${this.consumer}`, Buffer.from(JSON.stringify(wish)), {
      reply,
    })
  }

  private planLook(): void {
    this.look = this.parts.clock.setTimer(() => setImmediate(() => this.missHeartbeats()), lookEveryMs) // RF4
  }

  private missHeartbeats(): void {
    if (this.isOver) return
    if (Math.abs(this.parts.clock.now() - this.heardAtMs) > silentMs)
      this.fail('no heartbeat') // it may be set back
    else this.planLook()
  }

  private fail(why: string): void {
    this.end()
    this.on.ended(
      new UnavailableError('stream-unavailable', `${this.parts.stream} can't be followed now: ${why}`),
      this.hasCaughtUp,
    )
  }
}
