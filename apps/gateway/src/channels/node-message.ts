import type { BusMessage, StoredMessage } from '@natter/broker'
import { decodeMeta } from '@natter/broker'
import { isJson, type Publication } from '@natter/protocol'
import type { LogMessage } from '@natter/recovery'

/** A publication as a node holds it: its place in the log and what is sent of it. */
export interface NodeMessage extends LogMessage {
  readonly publication: Publication
}

/** What a held message costs beside its bytes: objects, strings and the ring's slot, measured roughly. */
const overheadBytes = 200

/** Copies: the bus's bytes are only lent for the callback. */
export function fromLive(message: BusMessage, stored: NonNullable<BusMessage['stored']>): NodeMessage {
  const { seq, prev, timeNs } = stored
  return nodeMessage({ seq, timeNs, body: message.body.slice(), meta: message.meta }, prev)
}

export function fromLog(message: StoredMessage): NodeMessage {
  return nodeMessage(message, 0)
}

/** What a gateway sent past the stream because it isn't to be kept; undefined where it wasn't meant so. */
export function passingOf({ body, meta }: BusMessage): Publication | undefined {
  return decodeMeta(meta)?.isPassing === true ? publicationOf(body.slice(), meta) : undefined
}

function nodeMessage({ seq, timeNs, body, meta }: StoredMessage, prev: number): NodeMessage {
  const publication = publicationOf(body, meta)
  publication.offset = seq
  return { seq, prev, timeNs, bytes: body.length + (meta?.length ?? 0) + overheadBytes, publication }
}

const nothing = new TextEncoder().encode('null')

/**
 * The wire's publication. What carries no metadata of ours was published by somebody else on our subjects: it is shown if it
 * is JSON, else as `null`, because one foreign message must not break the frames of everybody who listens.
 */
export function publicationOf(data: Uint8Array, meta: string | undefined): Publication {
  const decoded = decodeMeta(meta)
  const publication: Publication = { data }
  if (decoded?.kind === 'bin') publication.isBinary = true
  else if (decoded === undefined && !isJson(data)) publication.data = nothing
  if (decoded?.info !== undefined) publication.info = decoded.info
  if (decoded?.tags !== undefined) publication.tags = decoded.tags
  if (decoded?.delta === true) publication.mayPatch = true
  return publication
}
