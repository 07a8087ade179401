/**
 * What clients of HTTP transports say after their first request: each message is a POST that names the stream which it belongs to, and
 * that may be on any gateway. [15]
 *
 * EM1. A session is a secret: whoever knows it speaks for the client. It is looked for by its hash, so that the time which that takes
 *      says nothing of it, and whoever doesn't know it changes nothing.
 * EM2. `taken` is said when the gateway of the stream has taken the message, counted like one of a WebSocket.
 * EM3. Messages on their way to other gateways are bounded: one more is refused.
 * EM4. Whether there is such a gateway NATS says, not the beats: a stream may have begun before its gateway was heard here.
 */
import type { Broker, BusSubscription } from '@natter/broker'
import { decodeEmulationRequest, decodeJsonEmulationRequest, type EmulationRequest } from '@natter/protocol'
import { createHash, randomBytes } from 'node:crypto'
import type { Connection } from '../connection/connection.js'

export type EmulationOutcome = 'taken' | 'malformed' | 'no-node' | 'no-session' | 'failed'

export interface EmulationParts {
  broker: Broker
  /** This gateway's name. */
  node: string
  receive(connection: Connection, message: Uint8Array, isBinary: boolean): void
}

const sessionBytes = 24
const forwardTimeoutMs = 3_000
const maxForwarded = 1_000
/** As a subject it has to fit into a line of NATS, of 4 KiB; a host's name has 253 at most. */
const maxNodeLength = 300

const json = 0
const protobuf = 1
const taken = Buffer.from('taken')

export class Emulation {
  private readonly sessions = new Map<string, Connection>()
  private forwarded = 0
  private listening: BusSubscription | undefined

  constructor(private readonly parts: EmulationParts) {}

  start(): void {
    const { broker, node } = this.parts
    const subject = broker.subjects.emulationOfNode(node)
    this.listening = broker.bus.subscribe(subject, (message) => {
      const outcome = this.takeForwarded(message.body)
      if (broker.bus.isConnected) message.respond(Buffer.from(outcome))
    })
  }

  stop(): void {
    this.listening?.stop()
  }

  /** The session under which the client of this stream speaks. */
  open(connection: Connection): string {
    const session = randomBytes(sessionBytes).toString('base64url')
    const key = sessionKeyOf(session)
    connection.sessionKey = key
    this.sessions.set(key, connection)
    return session
  }

  close({ sessionKey }: Connection): void {
    if (sessionKey !== undefined) this.sessions.delete(sessionKey)
  }

  /** `body` is only valid during the call. Never rejects. */
  take(body: Uint8Array, isProtobuf: boolean): EmulationOutcome | Promise<EmulationOutcome> {
    const request = read(body, isProtobuf)
    if (request === undefined) return 'malformed'
    if (request.node === this.parts.node) return this.takeHere(request, isProtobuf)
    const subject = this.subjectOf(request.node)
    if (subject === undefined) return 'no-node'
    if (this.forwarded >= maxForwarded) return 'failed' // EM3
    return this.forward(subject, Buffer.concat([Buffer.of(isProtobuf ? protobuf : json), body]))
  }

  private takeHere({ session, data }: EmulationRequest, isProtobuf: boolean): EmulationOutcome {
    const connection = this.sessions.get(sessionKeyOf(session)) // EM1
    if (connection === undefined || connection.isLeaving) return 'no-session'
    this.parts.receive(connection, data, isProtobuf) // EM2
    return 'taken'
  }

  private takeForwarded(body: Uint8Array): EmulationOutcome {
    const isProtobuf = body[0] === protobuf
    const request = read(body.subarray(1), isProtobuf)
    return request === undefined ? 'malformed' : this.takeHere(request, isProtobuf)
  }

  /** Undefined: no gateway has such a name. */
  private subjectOf(node: string): string | undefined {
    if (node.length > maxNodeLength) return undefined
    try {
      return this.parts.broker.subjects.emulationOfNode(node)
    } catch {
      return undefined
    }
  }

  private async forward(subject: string, body: Uint8Array): Promise<EmulationOutcome> {
    let outcome: EmulationOutcome = 'failed'
    this.forwarded += 1
    try {
      const isThere = await this.parts.broker.bus.ask(subject, body, {
        timeoutMs: forwardTimeoutMs,
        onReply(reply) {
          outcome = taken.equals(reply) ? 'taken' : 'no-session'
          return true
        },
      })
      if (!isThere) outcome = 'no-node' // EM4
    } catch {
      // NATS is away: the client has to notice that it is not answered
    } finally {
      this.forwarded -= 1
    }
    return outcome
  }
}

function read(body: Uint8Array, isProtobuf: boolean): EmulationRequest | undefined {
  try {
    const request = isProtobuf ? decodeEmulationRequest(body) : decodeJsonEmulationRequest(body)
    const { node, session, data } = request
    return node === '' || session === '' || data.byteLength === 0 ? undefined : request
  } catch {
    return undefined
  }
}

/** What is kept of a session, which is a secret. */
export const sessionKeyOf = (session: string): string => createHash('sha256').update(session).digest('base64')
