import { UnavailableError } from '@natter/primitives'
import type { HeaderScan } from '../header-scan.js'
import { scanOf } from './raw-message.js'
import type { Requests } from './requests.js'

export interface DirectQuery {
  batch: number
  max_bytes: number
  seq?: number
  next_by_subj?: string
  multi_last?: readonly string[]
  up_to_seq?: number
}

export interface DirectMessage {
  scan: HeaderScan
  /** A copy: a view would hold the chunk of the whole batch. (Slicing a Buffer does not copy.) */
  body: Uint8Array
}

export interface DirectReply {
  messages: DirectMessage[]
  /** Messages that match and were not sent. */
  pending: number
  /** The stream's newest sequence that was considered; 0 when the reply doesn't say. */
  upTo: number
}

const NO_BYTES = new Uint8Array(0)
const NOTHING: DirectReply = { messages: [], pending: 0, upTo: 0 }

/**
 * Reads a batch from any replica. Undefined when nothing matches.
 *
 * The end of a batch is an empty message with status 204; a query without a match is answered with a bare 404.
 *
 * @throws UnavailableError when the stream can't be read now.
 */
export async function directGet(
  requests: Requests,
  stream: string,
  query: DirectQuery,
  keepBodies = true,
): Promise<DirectReply | undefined> {
  const messages: DirectMessage[] = []
  const body = Buffer.from(JSON.stringify(query), 'utf8')
  const reply = await requests.ask(`$JS.API.DIRECT.GET.${stream}`, body, (msg): DirectReply | undefined => {
    const scan = scanOf(msg)
    if (scan === undefined) throw unreadable(stream, 'an answer without headers')
    if (scan.status === 204) return { messages, pending: scan.pending, upTo: scan.upTo }
    if (scan.status === 404) return NOTHING
    if (scan.status !== 0) throw unreadable(stream, `status ${scan.status}`)
    messages.push({ scan, body: keepBodies ? new Uint8Array(msg.data) : NO_BYTES })
    return undefined
  })
  return reply === NOTHING ? undefined : reply
}

function unreadable(stream: string, why: string): UnavailableError {
  return new UnavailableError('stream-unavailable', `${stream} can't be read now: ${why}`)
}
