/** What publishers were told against what the stream holds (promise G1, and the order of calls). */
import { named, type Report, type StoredPublication, type StreamContent } from './evidence.js'
import type { HistoryEvent } from './history.js'

/** Two processes of one machine read one clock, but not in the same moment, and whole milliseconds are coarse. */
const clockSlackMs = 50

interface Publication {
  id: string
  channel: string
  hash: string
  connection: number
  attempts: number
  acknowledgedAtMs?: number
  /** Some attempt may have been stored. */
  isOpen: boolean
}

type PublishingEvent = Extract<HistoryEvent, { kind: 'publish' | 'answer' }>

export interface PublishingCheck {
  take(event: PublishingEvent): void
  end(): { acknowledged: number; repeats: number }
}

export function checkPublishing(stream: StreamContent, report: Report): PublishingCheck {
  /** In the order of the first calls. */
  const published = new Map<string, Publication>()
  return {
    take(event) {
      if (event.kind === 'answer') answered(published.get(event.id), event)
      else called(published, event)
    },
    end() {
      const stored = checkStored(stream, published, report)
      let acknowledged = 0
      let repeats = 0
      for (const publication of published.values()) {
        if (publication.acknowledgedAtMs !== undefined) acknowledged += 1
        repeats += publication.attempts - 1
        judge(publication, stored.get(publication.id), report)
      }
      checkOrder(published, stored, report)
      return { acknowledged, repeats }
    },
  }
}

function called(
  published: Map<string, Publication>,
  event: Extract<PublishingEvent, { kind: 'publish' }>,
): void {
  const { id, channel, hash, connection } = event
  const known = published.get(id)
  if (known === undefined) published.set(id, { id, channel, hash, connection, attempts: 1, isOpen: true })
  else {
    known.attempts += 1
    known.isOpen = true
  }
}

function answered(
  publication: Publication | undefined,
  { id, outcome, atMs }: Extract<PublishingEvent, { kind: 'answer' }>,
): void {
  if (publication === undefined) throw new Error(`the history has an answer to ${id}, which nobody published`)
  if (outcome === 'acknowledged') publication.acknowledgedAtMs ??= atMs
  // of several attempts an earlier one may have been stored all the same
  else if (outcome === 'refused') publication.isOpen = publication.attempts > 1
}

/** Each message of the stream is somebody's publication, once and unchanged. Answers them by id. */
function checkStored(
  stream: StreamContent,
  published: ReadonlyMap<string, Publication>,
  report: Report,
): Map<string, StoredPublication> {
  const stored = new Map<string, StoredPublication>()
  for (const message of stream.publications) {
    const publication = published.get(message.id)
    const first = stored.get(message.id)
    if (publication === undefined)
      report('invented', `the stream has ${named(message)}, which nobody published`)
    else if (publication.channel !== message.channel)
      report('misattributed', `${named(message)} was published into ${publication.channel}`)
    else if (publication.hash !== message.hash)
      report('altered', `${named(message)} is stored with other data than was published`)
    if (first === undefined) stored.set(message.id, message)
    else report('stored-twice', `${named(message)} was stored before with seq ${first.seq}`)
  }
  return stored
}

function judge(publication: Publication, stored: StoredPublication | undefined, report: Report): void {
  const { id, channel, acknowledgedAtMs, isOpen } = publication
  if (stored === undefined) {
    if (acknowledgedAtMs !== undefined)
      report('acknowledged-not-stored', `${id} of ${channel} was acknowledged and is not in the stream`)
    return
  }
  if (acknowledgedAtMs === undefined && !isOpen)
    report('refused-but-stored', `${named(stored)} is stored, though its publisher was told that it is not`)
  const earlyMs = stored.atMs - (acknowledgedAtMs ?? Infinity)
  if (earlyMs > clockSlackMs)
    report(
      'acknowledged-before-stored',
      `${named(stored)} was acknowledged ${Math.round(earlyMs)} ms before it was stored`,
    )
}

/** What one connection publishes into one channel is stored in the order of the calls, where no call was repeated. */
function checkOrder(
  published: ReadonlyMap<string, Publication>,
  stored: ReadonlyMap<string, StoredPublication>,
  report: Report,
): void {
  const newest = new Map<string, StoredPublication>()
  for (const { id, channel, connection, attempts } of published.values()) {
    const message = stored.get(id)
    if (attempts > 1 || message === undefined) continue
    const lane = `${connection} ${channel}`
    const before = newest.get(lane)
    if (before !== undefined && before.seq > message.seq)
      report(
        'order-of-calls',
        `${named(message)} was published after ${named(before)} by the same connection`,
      )
    newest.set(lane, message)
  }
}
