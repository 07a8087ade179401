/** What each subscriber saw against what the stream holds (promise G2): once, in order, without a hole, byte for byte. */
import {
  grouped,
  listed,
  named,
  type Report,
  type StoredPublication,
  type StreamContent,
} from './evidence.js'
import type { HistoryEvent } from './history.js'

/** A reply is read after it was written, so a stamp may be younger by as much as two readings of one clock differ. */
const clockSlackMs = 50

type ReadingEvent = Extract<HistoryEvent, { kind: 'subscribe' | 'subscribed' | 'delivery' | 'left' }>
type Delivery = Extract<ReadingEvent, { kind: 'delivery' }>
type Subscribed = Extract<ReadingEvent, { kind: 'subscribed' }>

/** One subscriber in one channel. */
interface Reader {
  name: string
  /** The channel's publications, ascending. */
  log: readonly StoredPublication[]
  /** `wanting`: it asked to be let in, or was thrown out. */
  state: 'off' | 'wanting' | 'subscribed'
  /** Everything up to here was seen, or was before its time. */
  position: number
  /** Index in `log` of the first publication above the position. */
  next: number
  /** Told as missed: what comes after all is late, not doubled. */
  missed: Set<number>
}

export interface ReadingCheck {
  take(event: ReadingEvent): void
  end(): { deliveries: number; recoveries: number; resumes: number }
}

export function checkReading(stream: StreamContent, report: Report): ReadingCheck {
  const bySeq = new Map(stream.publications.map((publication) => [publication.seq, publication]))
  const logs = grouped(stream.publications, ({ channel }) => channel)
  const readers = new Map<string, Reader>()
  const counts = { deliveries: 0, recoveries: 0, resumes: 0 }
  const readerOf = ({ subscriber, channel }: ReadingEvent): Reader => {
    const name = `${subscriber} in ${channel}`
    let reader = readers.get(name)
    if (reader === undefined) {
      const log = logs.get(channel) ?? []
      reader = { name, log, state: 'off', position: 0, next: 0, missed: new Set() }
      readers.set(name, reader)
    }
    return reader
  }
  return {
    take(event) {
      const reader = readerOf(event)
      if (event.kind === 'left') {
        reader.state = event.why === 'asked' ? 'off' : 'wanting'
        if (event.why === '2500') counts.resumes += 1
      } else if (event.kind === 'subscribe') {
        reader.state = 'wanting'
      } else if (event.kind === 'subscribed') {
        if (event.from !== undefined && event.recovered) counts.recoveries += 1
        subscribed(reader, event, stream, report)
      } else {
        counts.deliveries += 1
        delivered(reader, event, bySeq.get(event.offset), report)
      }
    },
    end() {
      for (const reader of readers.values()) {
        if (reader.state === 'subscribed') skipTo(reader, Infinity, 'at the end', report)
        if (reader.state === 'wanting')
          report('unserved', `${reader.name} wants to be subscribed and is not at the end`)
      }
      return counts
    },
  }
}

function subscribed(reader: Reader, event: Subscribed, stream: StreamContent, report: Report): void {
  const { from, epoch, offset, recovered, count, atMs } = event
  reader.state = 'subscribed'
  if (epoch !== stream.epoch)
    report('other-epoch', `${reader.name} was told epoch ${epoch}, the stream's is ${stream.epoch}`)
  const newest = reader.log.findLast((publication) => publication.atMs <= atMs + clockSlackMs)?.seq ?? 0
  const isAhead = offset > stream.lastSeq || reader.log.some(({ seq }) => seq > newest && seq <= offset)
  if (isAhead)
    report('position-ahead', `${reader.name} was told position ${offset}, and stored was ${newest}`)
  if (from === undefined) return moveTo(reader, offset)
  if (!recovered) {
    report('unrecovered', `${reader.name} asked to recover from ${from.offset} and was told that it can't`)
    return moveTo(reader, offset)
  }
  // it believes to have seen what is below its position
  skipTo(reader, from.offset + 1, `below its position ${from.offset}`, report)
  moveTo(reader, from.offset)
  // an empty recovery says that nothing is between the two positions
  if (count === 0 && offset > from.offset) {
    skipTo(reader, offset + 1, `in a recovery from ${from.offset} to ${offset}`, report)
    moveTo(reader, offset)
  }
}

function delivered(
  reader: Reader,
  { offset, hash, channel, subscriber }: Delivery,
  stored: StoredPublication | undefined,
  report: Report,
): void {
  const { name } = reader
  if (reader.state !== 'subscribed') report('uninvited', `${name} got seq ${offset} without being subscribed`)
  if (stored === undefined) return report('invented', `${name} got seq ${offset}, which the stream hasn't`)
  if (stored.channel !== channel)
    return report('misattributed', `${subscriber} got ${named(stored)} as one of ${channel}`)
  if (stored.hash !== hash) report('altered', `${name} got ${named(stored)} with other data than is stored`)
  if (offset > reader.position) {
    skipTo(reader, offset, `between its deliveries of seq ${reader.position} and seq ${offset}`, report)
    reader.position = offset
    reader.next += 1
  } else if (reader.missed.delete(offset)) {
    report('late', `${name} got ${named(stored)} after seq ${reader.position}`)
  } else {
    report('doubled', `${name} got ${named(stored)} again, being at seq ${reader.position}`)
  }
}

/** Everything before `seq` should have been seen. */
function skipTo(reader: Reader, seq: number, where: string, report: Report): void {
  const missed: string[] = []
  for (; reader.next < reader.log.length; reader.next += 1) {
    const publication = reader.log[reader.next]
    if (publication === undefined || publication.seq >= seq) break
    missed.push(`${publication.id} (seq ${publication.seq})`)
    reader.missed.add(publication.seq)
  }
  if (missed.length > 0)
    report('missed', `${reader.name} missed ${missed.length} ${where}: ${listed(missed)}`)
}

function moveTo(reader: Reader, position: number): void {
  reader.position = position
  const index = reader.log.findIndex(({ seq }) => seq > position)
  reader.next = index === -1 ? reader.log.length : index
}
