/**
 * A publication with a key is stored once, and whoever repeats it within five minutes hears what was answered first.
 *
 * ID1. Before it is stored, a record says that it is about to be, and from which sequence on it may be found. Of several gateways one writes
 *      that record; the others find it.
 * ID2. Each publication carries its key, hashed, as its message id, so that within the stream's window it can't be stored twice; and in its
 *      metadata, so that it is found in the log. A record without a result means: look there first, and only then store it.
 * ID3. So at whatever point a gateway dies, a repeat finds the record and the publication, or neither of the two.
 * ID4. What is only passing leaves no trace in a log: there the record alone counts, and is written before. It is sent once or, where a gateway
 *      dies between the two, not at all.
 * ID5. The same key at the same time on one gateway is one publication with two who wait for it.
 */
import { decodeMeta, publicationMessageId, type Broker } from '@natter/broker'
import { UnavailableError, UnknownOutcomeError, type Clock } from '@natter/primitives'

export interface PublishResult {
  readonly offset?: number
  readonly epoch?: string
}

interface Target {
  readonly namespace: string
  readonly channel: string
  readonly key: string
  /** In a stream. */
  readonly isKept: boolean
}

/** Hands the publication over; with an id it is stored once within the stream's window. */
type Send = (messageId: string) => Promise<PublishResult>

interface Note {
  readonly atMs: number
  /** It is not in the log below that. 0 = in no log. */
  readonly from: number
  readonly epoch: string
  readonly result?: PublishResult
  /** It was certainly not sent. */
  readonly isVoid?: true
}

type Claim =
  | { readonly is: 'mine'; readonly revision: number; readonly note: Note }
  | { readonly is: 'begun'; readonly revision: number; readonly note: Note }
  | { readonly is: 'done'; readonly result: PublishResult }

export interface IdempotencyParts {
  readonly broker: Pick<Broker, 'idempotency' | 'log' | 'route'>
  readonly clock: Clock
}

const keptForMs = 300_000
const maxRounds = 5
/** What was looked up longer ago isn't believed: another gateway may have published since, and the stream forgotten the id. */
const stoodStillMs = 15_000
const page = { limit: 500, maxBytes: 4_194_304 }
/** The stream says of an id that it is being stored at this moment: soon it says what came of it. */
const inFlight = { tries: 10, pauseMs: 50 }

export class Idempotency {
  private readonly running = new Map<string, Promise<PublishResult>>()

  constructor(private readonly parts: IdempotencyParts) {}

  /**
   * @throws what `send` throws, and UnavailableError or UnknownOutcomeError of the records. After any of them a repeat with the same key is safe.
   */
  once(target: Target, send: Send): Promise<PublishResult> {
    const { channel, key } = target
    const id = publicationMessageId({ user: '', channel, value: `http ${key}` })
    const running = this.running.get(id) // ID5
    if (running !== undefined) return running
    const begun = this.run(id, target, send).finally(() => this.running.delete(id))
    this.running.set(id, begun)
    return begun
  }

  private async run(id: string, target: Target, send: Send): Promise<PublishResult> {
    const { clock } = this.parts
    const beganAtMs = clock.now()
    const claim = await this.claim(id, target)
    if (claim.is === 'done') return claim.result
    if (!target.isKept) return this.passing(id, claim, send)
    const found = claim.is === 'begun' ? await this.find(id, target, claim.note) : undefined // ID2
    if (clock.now() - beganAtMs > stoodStillMs) throw stoodStill()
    const result = found ?? (await this.store(id, send))
    this.note(id, { ...claim.note, result }, claim.revision)
    return result
  }

  /** ID4. */
  private async passing(
    id: string,
    claim: Exclude<Claim, { is: 'done' }>,
    send: Send,
  ): Promise<PublishResult> {
    if (claim.is === 'begun') return {}
    try {
      const result = await send(id)
      this.note(id, { ...claim.note, result }, claim.revision)
      return result
    } catch (error) {
      if (!(error instanceof UnknownOutcomeError))
        this.note(id, { ...claim.note, isVoid: true }, claim.revision)
      throw error
    }
  }

  /** ID1. */
  private async claim(id: string, target: Target): Promise<Claim> {
    const { broker, clock } = this.parts
    for (let round = 0; round < maxRounds; round += 1) {
      const fresh: Note = { atMs: clock.now(), ...(await this.place(target)) }
      const first = await this.put(id, fresh, 0)
      if (first !== undefined) return { is: 'mine', revision: first, note: fresh }
      const held = await broker.idempotency.get(id)
      const note = held && decode(held.value)
      if (held === undefined) continue // it went at this very moment
      const isOver = note === undefined || note.isVoid === true || note.atMs + keptForMs <= clock.now()
      if (!isOver && note.result !== undefined) return { is: 'done', result: note.result }
      if (!isOver) return { is: 'begun', revision: held.revision, note }
      const next = await this.put(id, fresh, held.revision)
      if (next !== undefined) return { is: 'mine', revision: next, note: fresh }
    }
    throw new UnavailableError(
      'too-many-writers',
      'Others use this key at the same time: not done, try again',
    )
  }

  private async place({ namespace, channel, isKept }: Target): Promise<Pick<Note, 'from' | 'epoch'>> {
    if (!isKept) return { from: 0, epoch: '' }
    const { broker } = this.parts
    const { stream, epoch } = broker.route(namespace, channel)
    const { lastSeq } = await broker.log.state(stream)
    return { from: lastSeq + 1, epoch }
  }

  /** Not there, or of a numbering that is gone: undefined. */
  private async find(
    id: string,
    { namespace, channel }: Target,
    { from, epoch }: Note,
  ): Promise<PublishResult | undefined> {
    const { log } = this.parts.broker
    const { stream, subject, epoch: present } = this.parts.broker.route(namespace, channel)
    if (present !== epoch) return undefined
    for (let next = from; ;) {
      const range = { from: next, to: Number.MAX_SAFE_INTEGER, ...page }
      const { messages, isComplete } = await log.read(stream, subject, range)
      const found = messages.find(({ meta }) => decodeMeta(meta)?.messageId === id)
      if (found !== undefined) return { offset: found.seq, epoch }
      const last = messages.at(-1)
      if (isComplete || last === undefined) return undefined
      next = last.seq + 1
    }
  }

  private async store(id: string, send: Send): Promise<PublishResult> {
    const { clock } = this.parts
    for (let tried = 1; ; tried += 1) {
      const beganAtMs = clock.now()
      try {
        return await send(id)
      } catch (error) {
        const isSoon = clock.now() - beganAtMs < inFlight.pauseMs * 10
        if (!(error instanceof UnknownOutcomeError) || !isSoon || tried === inFlight.tries) throw error
        await new Promise<void>((resolve) => clock.setTimer(resolve, inFlight.pauseMs))
      }
    }
  }

  /** Nobody waits for it: where it is lost, a repeat finds the publication in the log (ID3). */
  private note(id: string, note: Note, after: number): void {
    this.put(id, note, after).catch(() => {})
  }

  private put(id: string, note: Note, after: number): Promise<number | undefined> {
    const value = Buffer.from(JSON.stringify(note), 'utf8')
    return this.parts.broker.idempotency.put(id, value, { after, expiresAtMs: note.atMs + keptForMs })
  }
}

const stoodStill = (): UnavailableError =>
  new UnavailableError('stood-still', 'This gateway got no time for a while: not published, try again')

function decode(value: Uint8Array): Note | undefined {
  try {
    const note = JSON.parse(Buffer.from(value).toString('utf8')) as Partial<Note> | null
    return typeof note?.atMs === 'number' && typeof note.from === 'number' ? (note as Note) : undefined
  } catch {
    return undefined
  }
}
