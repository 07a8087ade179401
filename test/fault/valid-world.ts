/**
 * Histories that keep every promise, in any interleaving: for the laws of the judge. A small mesh in numbers: a stream that grows,
 * publishers whose answers get lost, readers who come, go and recover.
 */
import fc from 'fast-check'
import type { ArchivedRow, StoredPublication } from './evidence.js'
import type { Happening, HistoryEvent, Position } from './history.js'

export interface World {
  events: HistoryEvent[]
  stream: { epoch: string; lastSeq: number; publications: StoredPublication[] }
  archive: { checkpointSeq: number; rows: ArchivedRow[]; deadLetters: number }
}

const epoch = 'epoch'
const channels = ['load:1', 'load:2', 'load:3']
const subscribers = ['ana', 'ben', 'eve']

interface Reader {
  isSubscribed: boolean
  position: Position | undefined
}

const step = fc.record({
  verb: fc.constantFrom(
    'publish',
    'publish',
    'publish',
    'join',
    'join',
    'leave',
    'deliver',
    'deliver',
    'deliver',
  ),
  channel: fc.constantFrom(...channels),
  who: fc.constantFrom(...subscribers),
  n: fc.nat(7),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

export const world = (): fc.Arbitrary<World> =>
  fc.array(step, { maxLength: 60, size: 'max' }).map((steps) => new Play(steps).world())

/** What a delivery shows depends on who is where, so the steps are played. */
class Play {
  private readonly events: HistoryEvent[] = []
  private readonly publications: StoredPublication[] = []
  private readonly readers = new Map<string, Reader>()
  private atMs = 1_000
  private lastSeq = 1
  private published = 0

  constructor(steps: readonly Step[]) {
    for (const each of steps) this.take(each)
    // what is on its way arrives in the end
    for (const who of subscribers) for (const channel of channels) this.deliver(who, channel, Infinity)
  }

  world(): World {
    const { events, publications, lastSeq } = this
    const rows = publications.map(({ seq, channel, hash }) => ({ seq, channel, hash }))
    const archive = { checkpointSeq: lastSeq, rows, deadLetters: 0 }
    return { events, stream: { epoch, lastSeq, publications }, archive }
  }

  private take({ verb, channel, who, n }: Step): void {
    this.atMs += n * 10
    if (verb === 'publish') this.publish(who, channel, n)
    else if (verb === 'join') this.join(who, channel)
    else if (verb === 'leave') this.leave(who, channel)
    else this.deliver(who, channel, n)
  }

  private record(happening: Happening): void {
    this.events.push({ atMs: this.atMs, ...happening })
  }

  /** By `n`: acknowledged; refused; lost and stored; lost, repeated and acknowledged; lost for good. */
  private publish(publisher: string, channel: string, n: number): void {
    const id = `${publisher}/${(this.published += 1)}`
    const hash = `hash of ${id}`
    const call = (attempt: number): void =>
      this.record({ kind: 'publish', publisher, connection: publisher.length, attempt, channel, id, hash })
    const answer = (attempt: number, outcome: 'acknowledged' | 'refused' | 'unknown'): void =>
      this.record({ kind: 'answer', publisher, id, attempt, outcome })
    call(1)
    if (n === 1) return answer(1, 'refused')
    if (n === 2) return answer(1, 'unknown')
    if (n !== 3 || this.published % 2 === 0) this.store(channel, id, hash)
    if (n < 3 || n > 4) return answer(1, 'acknowledged')
    answer(1, 'unknown')
    call(2)
    if (n === 3 && this.published % 2 === 1) this.store(channel, id, hash)
    answer(2, 'acknowledged')
  }

  private store(channel: string, id: string, hash: string): void {
    // other messages of the stream are between them
    this.lastSeq += 1 + (this.published % 3)
    this.publications.push({ seq: this.lastSeq, atMs: this.atMs, channel, id, hash })
  }

  private readerOf(who: string, channel: string): Reader {
    const key = `${who} ${channel}`
    const reader = this.readers.get(key) ?? { isSubscribed: false, position: undefined }
    this.readers.set(key, reader)
    return reader
  }

  private join(subscriber: string, channel: string): void {
    const reader = this.readerOf(subscriber, channel)
    if (reader.isSubscribed) return
    const { position: from } = reader
    const recovered = from === undefined ? [] : this.above(channel, from.offset).slice(0, 2)
    const offset = from?.offset ?? this.lastSeq
    this.record({ kind: 'subscribe', subscriber, gateway: 'gateway', channel })
    const reply = { subscriber, gateway: 'gateway', channel, epoch, offset, count: recovered.length }
    if (from === undefined) this.record({ kind: 'subscribed', ...reply, recovered: false })
    else this.record({ kind: 'subscribed', ...reply, recovered: true, from: { ...from } })
    reader.isSubscribed = true
    reader.position = { epoch, offset }
    this.deliver(subscriber, channel, recovered.length)
  }

  private leave(subscriber: string, channel: string): void {
    const reader = this.readerOf(subscriber, channel)
    if (!reader.isSubscribed) return
    reader.isSubscribed = false
    this.record({ kind: 'left', subscriber, channel, why: 'asked' })
  }

  private deliver(subscriber: string, channel: string, count: number): void {
    const reader = this.readerOf(subscriber, channel)
    if (!reader.isSubscribed || reader.position === undefined) return
    for (const { seq: offset, hash } of this.above(channel, reader.position.offset).slice(0, count)) {
      this.record({ kind: 'delivery', subscriber, channel, offset, hash })
      reader.position = { epoch, offset }
    }
  }

  private above(channel: string, position: number): StoredPublication[] {
    return this.publications.filter((each) => each.channel === channel && each.seq > position)
  }
}
