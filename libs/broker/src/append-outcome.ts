/** What a stream's answer to an append means. Pure: the numbers are the server's. */
import { InvalidError, UnavailableError, UnknownOutcomeError, type NatterError } from '@natter/primitives'
import type { Appended } from './broker.js'

const FULL = new Set([10023, 10047, 10077])
const TOO_LARGE = new Set([10054, 10097])
const SAME_ID_IN_FLIGHT = 10158
const WRONG_LAST = new Set([10071, 10164])

/** The refusal of an append as the error its caller shall see. */
export function appendRefusal(errCode: number, description: string): NatterError {
  const told = `${description} (${errCode})`
  if (FULL.has(errCode)) return new UnavailableError('stream-full', `The stream is full: ${told}`)
  if (TOO_LARGE.has(errCode))
    return new InvalidError('message-too-large', `The message is too large: ${told}`)
  if (WRONG_LAST.has(errCode)) return otherNewest(told)
  if (errCode === SAME_ID_IN_FLIGHT) {
    // the earlier one with this id may be stored yet: "not stored" would be a lie
    return new UnknownOutcomeError('append-unknown', `The same message is being stored: ${told}`)
  }
  return new UnavailableError('stream-unavailable', `The stream refused: ${told}`)
}

/** Somebody else was faster. */
export const otherNewest = (told: string): UnavailableError =>
  new UnavailableError('other-newest', `Another message is the newest of the subject: not stored. ${told}`)

interface PubAck {
  seq?: number
  duplicate?: boolean
  error?: { err_code?: number; description?: string }
}

const BRACE = 125
const COLON = 58
const QUOTE = 34

/** @throws NatterError when the stream refused. */
export function readAck(bytes: Uint8Array): Appended {
  const seq = plainSeq(bytes)
  if (seq !== undefined) return { seq, isDuplicate: false }
  const text = Buffer.from(bytes).toString('latin1')
  const ack = JSON.parse(text) as PubAck
  if (ack.error !== undefined)
    throw appendRefusal(ack.error.err_code ?? 0, ack.error.description ?? 'no reason given')
  if (ack.seq === undefined) throw appendRefusal(0, `no sequence in '${text}'`)
  return { seq: ack.seq, isDuplicate: ack.duplicate === true }
}

/**
 * The sequence of the everyday answer, `{"stream":"…","seq":12}`, without parsing it as JSON: this runs once per append. What
 * ends in any other way (a refusal, a duplicate) is left to the parser.
 */
function plainSeq(bytes: Uint8Array): number | undefined {
  let at = bytes.length - 1
  if (bytes[at] !== BRACE) return undefined
  let seq = 0
  let unit = 1
  for (at -= 1; at >= 0; at -= 1) {
    const digit = (bytes[at] ?? 0) - 48
    if (digit < 0 || digit > 9) break
    seq += digit * unit
    unit *= 10
  }
  // …"seq": with its quotes, right before the digits
  const isSeq =
    bytes[at] === COLON && bytes[at - 1] === QUOTE && bytes[at - 2] === 113 && bytes[at - 5] === QUOTE
  return isSeq && seq > 0 ? seq : undefined
}

/** The wait ended without an answer. */
export function unknownOutcome(reason: 'timeout' | 'away'): UnknownOutcomeError {
  const why = reason === 'timeout' ? 'no answer in time' : 'the connection was lost'
  return new UnknownOutcomeError('append-unknown', `Sent, but ${why}: it may be stored`)
}
