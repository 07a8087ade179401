/**
 * How many connections a process has room for. Pure.
 *
 * CR1. What was asked for is never exceeded, and what the descriptors allow isn't either, whoever asked.
 * CR2. The process keeps descriptors of its own, and a share for sockets that are no connections: handshakes, posts of clients of HTTP
 *      transports and what they keep alive. Without them it could neither answer 503 nor reach NATS again.
 */
import { UnavailableError } from '@natter/primitives'

/** NATS, logs, keys and certificates, hooks, the ops page. */
export const ownDescriptors = 128

/** Of all descriptors, for sockets that are no connections. */
const otherSocketsShare = 0.1
const leastOtherSockets = 32
const mostOtherSockets = 10_000

/** What one core was measured with. Descriptors say nothing of it, nor of memory: more has to be asked for. */
const mostByItself = 15_000

export interface ConnectionRoom {
  readonly maxConnections: number
  /** Undefined: the system doesn't tell. */
  readonly descriptors: number | undefined
  /** What was asked for and can't be had; undefined = all of it is there, or nothing was asked for. */
  readonly cutFrom: number | undefined
}

/**
 * @param asked `gateway.max_connections`; undefined = as many as there is room for
 * @throws UnavailableError `too-few-descriptors`.
 */
export function connectionRoom(asked: number | undefined, descriptors: number | undefined): ConnectionRoom {
  if (descriptors === undefined)
    return { maxConnections: asked ?? mostByItself, descriptors, cutFrom: undefined }
  const others = Math.max(leastOtherSockets, Math.min(mostOtherSockets, descriptors * otherSocketsShare))
  const room = Math.floor(descriptors - ownDescriptors - others)
  if (room < 1) {
    throw new UnavailableError(
      'too-few-descriptors',
      `This process may have ${descriptors} descriptors, and needs ${ownDescriptors + leastOtherSockets} before the first connection: ` +
        'raise its limit (ulimit -n, LimitNOFILE=, or what the container runtime calls it).',
    )
  }
  const maxConnections = Math.min(asked ?? mostByItself, room)
  const isCut = asked !== undefined && asked > room
  return { maxConnections, descriptors, cutFrom: isCut ? asked : undefined }
}
