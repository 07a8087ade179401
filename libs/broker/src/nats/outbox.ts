/**
 * What this node says to NATS in one turn of the event loop: written as NATS reads it, into one piece of memory, and given to the
 * driver in one go.
 *
 * The driver's own publish makes a text, a buffer and several pieces of each message, and writes in a microtask. Microtasks run after
 * every callback of uWebSockets.js, so each message of each client would be a write of its own: half of the cost of a publish.
 *
 * O1. Everything leaves in the order of the calls, by the end of the turn; or earlier, when `pieceBytes` wait: then NATS works
 *     while this node still reads.
 * O2. Memory that was given away is not written again: the driver holds it until the kernel has taken it.
 * O3. What waits when the connection is lost goes with it: nothing is sent after a reconnect that was said before.
 * O4. A subject is printable ASCII without spaces. So none can end its line and become a command.
 */
import type { NatsConnection } from '@nats-io/transport-node'
import { InvalidError } from '@natter/primitives'

/** Behind the driver's doors; `test/raw-message.int-spec.ts` fails when they move. */
interface Commands {
  /** Keeps the bytes, as they are, behind those of before. */
  sendCommand(bytes: Uint8Array): void
  /** Writes what is kept, if there is a connection. */
  flushPending(): void
}

/** As much as the driver gathers at most. */
const pieceBytes = 32_768
const subjectGrammar = /^[\x21-\x7e]+$/
const space = 0x20
const zero = 0x30
const hpub = Buffer.from('HPUB ')
const pub = hpub.subarray(1)
const lineEnd = Buffer.from('\r\n')
/** What a line needs beside its address: verb, three numbers, spaces, two line ends. */
const frameBytes = 64

export class Outbox {
  private piece = Buffer.allocUnsafeSlow(pieceBytes)
  /** What stands before it was given away. */
  private start = 0
  private end = 0
  private isTurnWatched = false

  constructor(private readonly nc: NatsConnection) {}

  /** @throws InvalidError `bad-subject`. */
  publish(
    subject: string,
    reply: string | undefined,
    header: Uint8Array | undefined,
    body: Uint8Array,
  ): void {
    this.write(addressOf(subject, reply), undefined, header, body)
  }

  /** To an address of {@link requestAddress}; `token` is what its replies end in. */
  request(address: Uint8Array, token: number, header: Uint8Array | undefined, body: Uint8Array): void {
    this.write(address, token, header, body)
  }

  /** Gives the driver what waits: before whatever it is told by others, so that the order stays. */
  flush(): void {
    if (this.end === this.start) return
    const { protocol } = this.nc as unknown as { protocol: Commands }
    protocol.sendCommand(this.piece.subarray(this.start, this.end))
    protocol.flushPending()
    this.start = this.end // O2
  }

  /** O3. */
  drop(): void {
    this.end = this.start
  }

  private write(
    address: Uint8Array,
    token: number | undefined,
    header: Uint8Array | undefined,
    body: Uint8Array,
  ): void {
    const headerBytes = header === undefined ? 0 : header.length
    this.makeRoom(address.length + headerBytes + body.length + frameBytes)
    this.few(header === undefined ? pub : hpub)
    this.bytes(address)
    if (token !== undefined) this.number(token, space)
    if (header !== undefined) this.number(headerBytes, space)
    this.number(headerBytes + body.length, undefined)
    this.few(lineEnd)
    if (header !== undefined) this.bytes(header)
    this.bytes(body)
    this.few(lineEnd)
    if (this.end - this.start >= pieceBytes) this.flush() // a big one: a piece of its own
  }

  private makeRoom(bytes: number): void {
    if (!this.isTurnWatched) {
      this.isTurnWatched = true
      setImmediate(this.endTurn)
    }
    if (this.end + bytes <= this.piece.length) return
    this.flush() // O1
    this.piece = Buffer.allocUnsafeSlow(Math.max(pieceBytes, bytes))
    this.start = 0
    this.end = 0
  }

  private bytes(bytes: Uint8Array): void {
    this.piece.set(bytes, this.end)
    this.end += bytes.length
  }

  /** By hand: the copy of a handful costs less than the call that would do it. */
  private few(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 1) this.piece[this.end + at] = bytes[at] as number
    this.end += bytes.length
  }

  /** In decimal, and what follows it. By hand: a text of it would cost more than all the rest of the line. */
  private number(value: number, after: number | undefined): void {
    let length = 1
    for (let bound = 10; bound <= value; bound *= 10) length += 1
    let left = value
    for (let at = this.end + length - 1; at >= this.end; at -= 1) {
      const shorter = Math.floor(left / 10)
      this.piece[at] = zero + left - shorter * 10
      left = shorter
    }
    this.end += length
    if (after === undefined) return
    this.piece[this.end] = after
    this.end += 1
  }

  private readonly endTurn = (): void => {
    this.isTurnWatched = false
    this.flush()
  }
}

/** What stands between the verb and the numbers; O4. */
function addressOf(subject: string, reply: string | undefined): Uint8Array {
  requireSubject(subject)
  if (reply !== undefined) requireSubject(reply)
  return Buffer.from(reply === undefined ? `${subject} ` : `${subject} ${reply} `, 'latin1')
}

/**
 * The address of requests whose replies come to `inbox`, a dot and the token of each. To be kept: most requests go to few subjects.
 *
 * @throws InvalidError `bad-subject`.
 */
export function requestAddress(subject: string, inbox: string): Uint8Array {
  requireSubject(subject)
  // of its own: a part of Node's pool would keep eight kilobytes for as long as it is kept
  return new Uint8Array(Buffer.from(`${subject} ${inbox}.`, 'latin1'))
}

function requireSubject(subject: string): void {
  if (subjectGrammar.test(subject)) return
  throw new InvalidError('bad-subject', 'A subject must be printable ASCII without spaces')
}
