/**
 * When a client's messages are handled. A socket can't be told to pause, and the library hands over all messages of a read in
 * one go: so what doesn't fit into a turn of the loop waits here, and what a client sends costs that client.
 *
 * I1. Messages of a connection are handled in the order they came, each once; after its socket has ended, or while its gateway sends it
 *     away, none.
 * I2. A turn handles messages for about `turnMs` as they come, and for as long again from what waits: a quantum for each
 *     connection in its turn, those first that have just begun to wait. So an honest client's command passes a flooder's
 *     thousands. One of the others gets its quantum in every turn, also where new ones come without end. Those who are in come before
 *     those who connect, who have half of a turn as they come and a quantum in every turn too: a storm of connects is theirs to wait
 *     for, and they wait in the order in which they came.
 * I3. What waits is bounded: by a connection's allowance of commands and `maxWaitingBytes`, and on the node by
 *     `maxNodeWaitingBytes`. Beyond it, or when more comes in a turn than a node can look at, the connection is closed with 3013
 *     and what waits is dropped unread. Who has little waiting doesn't pay for those who have much: a full turn is no reason to
 *     close it, and half of what may wait on a node is kept for its like.
 * I4. Before its turn a message costs a look at its bytes and a copy; nothing is parsed.
 * I6. While it is paused all messages wait, bounded as ever.
 * I5. Who comes back to flood again begins with a small allowance: closing is no new start.
 */
import { countProtobuf, Disconnects, type Command } from '@natter/protocol'
import { Allowance } from './allowance.js'
import type { Connection } from './connection.js'
import { Inbox } from './inbox.js'
import type { LimitName } from '../limits/limit-name.js'

export interface IntakeOptions {
  /** Commands per second of one connection. */
  commandRate: number
  /** Commands that it may send at once. */
  commandBurst: number
}

/** A connection's way in. */
export interface Lane {
  readonly allowance: Allowance
  readonly inbox: Inbox
}

/** What handles messages, see dispatch.ts. */
export interface MessageHandler {
  /** Answers no commands, and ends the connection, when the message is not the protocol. */
  decode(connection: Connection, message: Uint8Array): readonly Command[]
  take(connection: Connection, command: Command): void
}

/** A durable publish takes three turns, each twice this and what comes in with it: that has to stay below 100 ms beside a flood. */
const turnMs = 2
const quantumMs = 0.5
/** Of a turn, what messages of those who connect may have of it as they come. */
const connectsMs = 1
/** A message counts as one command for every such part of it. */
const bytesPerCommand = 1_024
/** And for every so many objects and arrays that it opens, which cost more than their bytes: 64 KiB of `[` take milliseconds. */
const openingsPerCommand = 64
/** Shorter messages can't open enough to matter. */
const worthCountingBytes = 4_096
/** A script that sends all it has in one loop: 5,000 messages of 1 KiB, and some. */
const maxWaitingBytes = 8_388_608
const maxNodeWaitingBytes = 67_108_864
/** The rest is for those who have little waiting. */
const maxNodeHeapsBytes = 33_554_432
/** In a turn in which this many bursts came in, whoever has more than a little waiting has to go. */
const burstsPerTurn = 2
/** What is little: a few hundred publications at a time, as SDKs are told to send them. */
const littleMessages = 512
const littleBytes = 524_288
/** For how long an address that was closed for flooding begins with less. */
const probationMs = 10_000
/** With how much: an SDK that comes back subscribes to all its channels (128) at once. */
const probationCommands = 200
const maxOnProbation = 10_000

const newline = 0x0a
const openingBracket = 0x5b
const openingBrace = 0x7b

export class Intake {
  /** They wait for the first time since they were last served. */
  private readonly fresh = new Set<Connection>()
  /** They have not connected yet. */
  private readonly arriving = new Set<Connection>()
  private readonly waiting = new Set<Connection>()
  private readonly onProbation = new Map<string, number>()
  private nodeWaitingBytes = 0
  private isPaused = false
  private takenInTurn = 0
  /** 0 = between two turns. */
  private turnEndsAtMs = 0

  /** One object for all connections: there are many. What it says may change under them. */
  private readonly limits: { readonly perSecond: number; readonly burst: number }

  constructor(
    private readonly handler: MessageHandler,
    options: () => IntakeOptions,
    private readonly now: () => number = () => performance.now(),
    /** A connection is closed for this. */
    private readonly onLimit: (limit: LimitName) => void = () => {},
  ) {
    this.limits = {
      get perSecond() {
        return options().commandRate
      },
      get burst() {
        return options().commandBurst
      },
    }
  }

  get waitingBytes(): number {
    return this.nodeWaitingBytes
  }

  /** I6. */
  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    if (this.isAnyoneWaiting) this.beginTurn(this.now())
  }

  /** `message` is only valid during the call. */
  receive(connection: Connection, message: Uint8Array, isBinary: boolean): void {
    if (connection.isLeaving) return // I1
    const nowMs = this.now()
    this.beginTurn(nowMs)
    const { isBinary: isProtobuf } = connection.wire.codec
    const commands = countCommands(message, isProtobuf)
    this.takenInTurn += commands
    const lane = (connection.lane ??= this.createLane(connection, nowMs))
    if (!lane.allowance.take(commands, nowMs)) return this.refuse(connection, nowMs, 'command-rate') // I3
    const text = isBinary === isProtobuf ? message : malformed
    const hasToWait = this.isPaused || !lane.inbox.isEmpty || nowMs >= this.endsAtMs(connection)
    if (hasToWait) return this.keep(connection, lane, text, nowMs)
    lane.inbox.load(this.handler.decode(connection, text))
    this.serve(connection, lane, this.turnEndsAtMs)
    if (hasMore(connection)) this.beginToWait(connection)
  }

  /** Its gateway sends it away: what it says from now on is not heard, nor what waits. */
  stop(connection: Connection): void {
    connection.isLeaving = true
    this.remove(connection)
  }

  /** The socket is gone, and what it still had to say with it. */
  remove(connection: Connection): void {
    this.forget(connection)
    if (connection.lane === undefined) return
    this.nodeWaitingBytes -= connection.lane.inbox.waitingBytes
    connection.lane.inbox.clear() // I1
  }

  private createLane({ address }: Connection, nowMs: number): Lane {
    const { burst } = this.limits
    const isKnown = (this.onProbation.get(address) ?? 0) > nowMs
    const initial = isKnown ? Math.min(burst, probationCommands) : burst // I5
    return { allowance: new Allowance(this.limits, nowMs, initial), inbox: new Inbox() }
  }

  private keep(connection: Connection, { inbox }: Lane, message: Uint8Array, nowMs: number): void {
    const bytes = message.byteLength
    if (inbox.waitingBytes + bytes > maxWaitingBytes || !this.hasRoom(inbox, bytes)) {
      return this.refuse(connection, nowMs, 'bytes-waiting') // I3
    }
    if (inbox.isEmpty) this.beginToWait(connection)
    inbox.push(message.slice())
    this.nodeWaitingBytes += bytes
  }

  private beginToWait(connection: Connection): void {
    if (isArriving(connection)) this.arriving.add(connection)
    else this.fresh.add(connection)
  }

  private forget(connection: Connection): void {
    this.fresh.delete(connection)
    this.arriving.delete(connection)
    this.waiting.delete(connection)
  }

  private get isAnyoneWaiting(): boolean {
    return this.fresh.size + this.arriving.size + this.waiting.size > 0
  }

  /** I2: of this turn, for messages as they come. */
  private endsAtMs(connection: Connection): number {
    return isArriving(connection) ? this.turnEndsAtMs - turnMs + connectsMs : this.turnEndsAtMs
  }

  private hasRoom({ waitingMessages, waitingBytes }: Inbox, bytes: number): boolean {
    const nodeBytes = this.nodeWaitingBytes + bytes
    if (waitingMessages < littleMessages && waitingBytes + bytes <= littleBytes) {
      return nodeBytes <= maxNodeWaitingBytes
    }
    return nodeBytes <= maxNodeHeapsBytes && this.takenInTurn <= burstsPerTurn * this.limits.burst
  }

  private refuse(connection: Connection, nowMs: number, limit: LimitName): void {
    this.onLimit(limit)
    if (this.onProbation.size >= maxOnProbation) this.onProbation.clear()
    this.onProbation.set(connection.address, nowMs + probationMs)
    connection.disconnect(Disconnects.tooManyRequests)
  }

  private beginTurn(nowMs: number): void {
    if (this.turnEndsAtMs !== 0) return
    this.turnEndsAtMs = nowMs + turnMs
    setImmediate(this.endTurn)
  }

  private readonly endTurn = (): void => {
    this.turnEndsAtMs = 0
    this.takenInTurn = 0
    if (this.isPaused) return // I6
    this.serveWaiting(this.now() + turnMs)
    if (this.isAnyoneWaiting) this.beginTurn(this.now())
  }

  /** I2. */
  private serveWaiting(untilMs: number): void {
    const [longest] = this.waiting
    const [firstToArrive] = this.arriving
    let isServed = false
    for (let nowMs = this.now(); nowMs < untilMs; nowMs = this.now()) {
      const connection = this.next()
      if (connection === undefined) return
      if (connection === longest) isServed = true
      this.serveNext(connection, Math.min(nowMs + quantumMs, untilMs))
    }
    if (longest !== undefined && !isServed && this.waiting.has(longest)) {
      this.serveNext(longest, this.now() + quantumMs)
    }
    if (firstToArrive !== undefined && this.arriving.has(firstToArrive))
      this.serveArriving(this.now() + quantumMs)
  }

  private next(): Connection | undefined {
    for (const queue of [this.fresh, this.arriving, this.waiting])
      for (const connection of queue) return connection
    return undefined
  }

  /** As many as the time holds: a connect is less than a quantum. */
  private serveArriving(untilMs: number): void {
    for (const connection of this.arriving) {
      this.serveNext(connection, untilMs)
      if (this.now() >= untilMs) return
    }
  }

  private serveNext(connection: Connection, untilMs: number): void {
    this.forget(connection)
    if (connection.lane !== undefined) this.serve(connection, connection.lane, untilMs)
    if (hasMore(connection)) this.waiting.add(connection)
  }

  /** Handles what the connection has waiting, at least one command of it, until it is time for somebody else. */
  private serve(connection: Connection, { inbox }: Lane, untilMs: number): void {
    const decode = (message: Uint8Array): readonly Command[] => {
      this.nodeWaitingBytes -= message.byteLength
      return this.handler.decode(connection, message)
    }
    while (connection.socket.isOpen) {
      const command = inbox.next(decode)
      if (command === undefined) return
      this.handler.take(connection, command)
      if (inbox.isEmpty || this.now() >= untilMs) return // most messages are one command: no look at the clock for them
    }
  }
}

/** It has not said yet who it is. */
const isArriving = ({ kind }: Connection): boolean => kind === 'awaiting'

/** A socket that isn't open and not removed yet lost a frame: it says nothing any more. */
const hasMore = ({ lane, socket }: Connection): boolean => socket.isOpen && lane?.inbox.isEmpty === false

/** Stands for a message of the wrong kind, in its place: the empty one is not the protocol in any encoding. */
const malformed = new Uint8Array(0)

/** By its newlines or lengths, its size and what it opens: what it says is not looked at (I4). */
function countCommands(message: Uint8Array, isProtobuf: boolean): number {
  const bySize = Math.ceil(message.byteLength / bytesPerCommand)
  if (isProtobuf) return Math.max(countProtobuf(message), bySize)
  return Math.max(countLines(message), bySize, Math.ceil(countOpenings(message) / openingsPerCommand))
}

function countLines(message: Uint8Array): number {
  let lines = 1
  for (let at = message.indexOf(newline); at !== -1; at = message.indexOf(newline, at + 1)) lines += 1
  return lines
}

function countOpenings(message: Uint8Array): number {
  let openings = 0
  if (message.byteLength < worthCountingBytes) return openings
  // by index: three times as fast as the iterator
  for (let at = 0; at < message.byteLength; at += 1) {
    const byte = message[at]
    if (byte === openingBracket || byte === openingBrace) openings += 1
  }
  return openings
}
