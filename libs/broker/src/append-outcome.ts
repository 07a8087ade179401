/** What a stream's answer to an append means. Pure: the numbers are the server's. */
import { InvalidError, UnavailableError, UnknownOutcomeError, type NatterError } from '@natter/primitives'
import type { Appended } from './broker.js'

const FULL = new Set([10023, 10047, 10077])
const TOO_LARGE = new Set([10054, 10097])
const SAME_ID_IN_FLIGHT = 10158

/** The refusal of an append as the error its caller shall see. */
export function appendRefusal(errCode: number, description: string): NatterError {
  const told = `${description} (${errCode})`
  if (FULL.has(errCode)) return new UnavailableError('stream-full', `The stream is full: ${told}`)
  if (TOO_LARGE.has(errCode))
    return new InvalidError('message-too-large', `The message is too large: ${told}`)
  if (errCode === SAME_ID_IN_FLIGHT) {
    // the earlier one with this id may be stored yet: "not stored" would be a lie
    return new UnknownOutcomeError('append-unknown', `The same message is being stored: ${told}`)
  }
  return new UnavailableError('stream-unavailable', `The stream refused: ${told}`)
}

interface PubAck {
  seq?: number
  duplicate?: boolean
  error?: { err_code?: number; description?: string }
}

/** @throws NatterError when the stream refused. */
export function readAck(text: string): Appended {
  const ack = JSON.parse(text) as PubAck
  if (ack.error !== undefined)
    throw appendRefusal(ack.error.err_code ?? 0, ack.error.description ?? 'no reason given')
  if (ack.seq === undefined) throw appendRefusal(0, `no sequence in '${text}'`)
  return { seq: ack.seq, isDuplicate: ack.duplicate === true }
}

/** The wait ended without an answer. */
export function unknownOutcome(reason: 'timeout' | 'away'): UnknownOutcomeError {
  const why = reason === 'timeout' ? 'no answer in time' : 'the connection was lost'
  return new UnknownOutcomeError('append-unknown', `Sent, but ${why}: it may be stored`)
}
