/**
 * What the server writes into the reply subject of a message that a consumer delivers:
 *
 *     $JS.ACK.<stream>.<consumer>.<tries>.<sequence>.<delivery>.<nanoseconds>.<pending>
 *     $JS.ACK.<domain>.<account>.<stream>.<consumer>.<tries>.<sequence>.<delivery>.<nanoseconds>.<pending>[.<random>]
 */
export interface Delivery {
  /** In the stream. */
  seq: number
  /** Of this consumer's deliveries, from 1, without holes. */
  number: number
  /** When the stream stored it. */
  timeNs: bigint
  /** How many more the consumer has to deliver. */
  pending: number
}

const DOT = 46
const ACK = Buffer.from('$JS.ACK.', 'latin1')
/** Dots in the short form, and the one before its sequence. */
const SHORT = { dots: 8, seqAt: 4 }
/** The long form has one more when it ends with the random word. */
const LONG = { dots: 10, seqAt: 6 }
/** Digits behind the seconds. */
const NS_DIGITS = 9

/** Where the dots of the present subject are: one thread parses a hundred thousand a second. */
const dots = new Int32Array(LONG.dots + 1)
/** Messages of one second share all but the fraction. */
let lastSecond = { second: 0, ns: 0n }

/** Undefined when it is no such subject. */
export function parseDelivery(reply: Uint8Array): Delivery | undefined {
  const count = isAck(reply) ? findDots(reply) : 0
  const at = count === SHORT.dots ? SHORT.seqAt : LONG.seqAt
  if (count !== SHORT.dots && count < LONG.dots) return undefined
  return {
    seq: digits(reply, afterDot(at), beforeDot(at + 1, count, reply)),
    number: digits(reply, afterDot(at + 1), beforeDot(at + 2, count, reply)),
    timeNs: timeOf(reply, afterDot(at + 2), beforeDot(at + 3, count, reply)),
    pending: digits(reply, afterDot(at + 3), beforeDot(at + 4, count, reply)),
  }
}

function isAck(reply: Uint8Array): boolean {
  for (let i = 0; i < ACK.length; i += 1) if (reply[i] !== ACK[i]) return false
  return true
}

function findDots(reply: Uint8Array): number {
  let count = 0
  for (let i = 0; i < reply.length && count < dots.length; i += 1) if (reply[i] === DOT) dots[count++] = i
  return count
}

const afterDot = (dot: number): number => (dots[dot] ?? 0) + 1

const beforeDot = (dot: number, count: number, reply: Uint8Array): number =>
  dot < count ? (dots[dot] ?? 0) : reply.length

/** The server writes nothing but digits here. */
function digits(bytes: Uint8Array, start: number, end: number): number {
  let value = 0
  for (let i = start; i < end; i += 1) value = value * 10 + ((bytes[i] ?? 0) - 48)
  return value
}

/** In two parts: all nineteen digits are more than a number holds. */
function timeOf(bytes: Uint8Array, start: number, end: number): bigint {
  const split = Math.max(start, end - NS_DIGITS)
  const second = digits(bytes, start, split)
  if (second !== lastSecond.second) lastSecond = { second, ns: BigInt(second) * 1_000_000_000n }
  return lastSecond.ns + BigInt(digits(bytes, split, end))
}
