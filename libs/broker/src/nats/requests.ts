import { UnavailableError, type Clock, type Timer } from '@natter/primitives'
import type { Msg } from '@nats-io/transport-node'
import { away, type Listener, type NatsLink } from './connection.js'
import { requestAddress } from './outbox.js'
import { tokenOf } from './raw-message.js'

/** Somebody who waits for one or more replies. None of these may throw. */
export interface Waiting {
  /** Written by `Requests` alone. */
  deadlineMs: number
  /** True: that was the last one. */
  onReply(msg: Msg): boolean
  onLost(reason: 'timeout' | 'away'): void
}

const EXPIRE_EVERY_MS = 100
/** Addresses that are remembered: a hundred bytes each. */
const MAX_ADDRESSES = 5_000

/**
 * Requests over one wildcard inbox: numbered reply subjects, one map, one timer. (The driver's own requests cost a promise,
 * a timer and a random token each, and wait for their full timeout when the connection is gone.)
 *
 * R1. Each accepted request ends exactly once: last reply, deadline, or loss of the connection. One that could not be written
 *     was never accepted: its caller hears of it by the throw, and only by that.
 * R2. The deadline is the same for all, so the map is in the order of deadlines and "expire" stops at the first young one.
 * R3. On loss of the connection everything ends at once, in the order of the calls.
 */
export class Requests implements Listener {
  private readonly waiting = new Map<number, Waiting>()
  private readonly addresses = new Map<string, Uint8Array>()
  private lastToken = 0
  private expireTimer: Timer | undefined

  constructor(
    private readonly link: NatsLink,
    private readonly clock: Clock,
    private readonly inbox: string,
    private readonly timeoutMs: number,
  ) {
    link.subscribe(`${inbox}.*`, this)
    link.onLoss(() => this.endAll())
  }

  get size(): number {
    return this.waiting.size
  }

  /**
   * Publishes one request whose replies `who` hears.
   *
   * @throws UnavailableError `nats-away`, InvalidError `message-too-large`, `bad-subject`. Then `who` hears nothing.
   */
  send(who: Waiting, subject: string, body: Uint8Array, headers?: Uint8Array): void {
    this.link.requireConnected()
    const token = (this.lastToken += 1)
    this.link.request(this.addressOf(subject), token, body, headers) // R1
    who.deadlineMs = this.clock.now() + this.timeoutMs
    this.waiting.set(token, who)
    this.expireTimer ??= this.clock.setTimer(() => this.expire(), EXPIRE_EVERY_MS)
  }

  /** Sends one request and resolves with what `reduce` makes of the replies; undefined = more to come. */
  ask<T>(
    subject: string,
    body: Uint8Array,
    reduce: (msg: Msg) => T | undefined,
    headers?: Uint8Array,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const onReply = (msg: Msg): boolean => {
        try {
          const result = reduce(msg)
          if (result === undefined) return false
          resolve(result)
        } catch (error) {
          reject(error)
        }
        return true
      }
      const onLost = (reason: 'timeout' | 'away'): void =>
        reject(reason === 'away' ? away() : unanswered(subject))
      this.send({ deadlineMs: 0, onReply, onLost }, subject, body, headers)
    })
  }

  hear(msg: Msg): void {
    const token = tokenOf(msg)
    const who = this.waiting.get(token)
    if (who === undefined) return
    if (who.onReply(msg)) this.waiting.delete(token) // R1
  }

  private addressOf(subject: string): Uint8Array {
    let address = this.addresses.get(subject)
    if (address !== undefined) return address
    if (this.addresses.size >= MAX_ADDRESSES) this.addresses.clear()
    this.addresses.set(subject, (address = requestAddress(subject, this.inbox)))
    return address
  }

  private expire(): void {
    const now = this.clock.now()
    for (const [token, who] of this.waiting) {
      if (who.deadlineMs > now) break // R2
      this.waiting.delete(token)
      who.onLost('timeout')
    }
    this.expireTimer =
      this.waiting.size === 0 ? undefined : this.clock.setTimer(() => this.expire(), EXPIRE_EVERY_MS)
  }

  private endAll(): void {
    this.expireTimer?.cancel()
    this.expireTimer = undefined
    const all = [...this.waiting.values()]
    this.waiting.clear()
    for (const who of all) who.onLost('away') // R3
  }
}

function unanswered(subject: string): UnavailableError {
  return new UnavailableError('nats-silent', `No answer on ${subject} in time`)
}
