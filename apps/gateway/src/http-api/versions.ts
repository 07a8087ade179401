/**
 * Publications with a version: one that isn't newer than the newest that its channel has is not published.
 *
 * VE1. The newest version of a channel is that of its newest publication with one. It is in the log and nowhere else, so all gateways
 *      know the same, and it is as durable as the publication.
 * VE2. A publication with a version is stored only directly behind what was looked at: where another one was faster, it is looked again.
 * VE3. What is left out is decided by what was just read, never by what was known before; what was known before may only save a read, because
 *      the stream refuses where it is not true any more (VE2).
 * VE4. A replica that lags shows an older channel: then the stream refuses, too, or what was read is seen not to reach as far as the newest.
 * VE5. One gateway publishes one at a time into a channel: they would only be in each other's way.
 */
import { decodeMeta, type Broker } from '@natter/broker'
import { Gate, UnavailableError } from '@natter/primitives'
import type { PublishResult } from './idempotency.js'

export interface Version {
  readonly number: number
  /** '' = compared with whatever there is; else only with versions of the same epoch. */
  readonly epoch: string
}

/** Hands the publication over, to be stored directly behind this sequence; 0 = to be the channel's first. */
type Send = (after: number) => Promise<PublishResult>

interface Target {
  readonly namespace: string
  readonly channel: string
}

interface Newest {
  /** The channel's newest sequence. */
  readonly seq: number
  /** Of the numbering. */
  readonly epoch: string
  readonly version: Version | undefined
}

const maxKnown = 10_000
/** For their turn at one channel. */
const maxWaiting = 200
const maxRounds = 50
const page = { limit: 100, bytes: 1_048_576 }
/** Publications without a version that may lie above the newest with one. */
const maxWalk = 10_000

export class Versions {
  private readonly known = new Map<string, Newest>()
  /** VE5 */
  private readonly lines = new Map<string, Gate>()

  constructor(private readonly broker: Pick<Broker, 'log' | 'route'>) {}

  /**
   * Where it is left out, the answer is the channel's newest place.
   *
   * @throws what `send` throws, and UnavailableError: not published.
   */
  async publish(target: Target, version: Version, send: Send): Promise<PublishResult> {
    const { channel } = target
    const line = this.lines.get(channel) ?? new Gate(1)
    if (line.waiting >= maxWaiting) throw tooMany()
    this.lines.set(channel, line)
    try {
      return await line.run(() => this.publishNext(target, version, send))
    } finally {
      if (line.isIdle) this.lines.delete(channel)
    }
  }

  private async publishNext(
    { namespace, channel }: Target,
    version: Version,
    send: Send,
  ): Promise<PublishResult> {
    for (let round = 0; round < maxRounds; round += 1) {
      const { epoch } = this.broker.route(namespace, channel)
      const known = round === 0 ? this.known.get(channel) : undefined
      const isKnown = known?.epoch === epoch && !isOld(version, known.version)
      const newest = isKnown ? known : await this.read(namespace, channel) // VE3
      if (newest === undefined) continue // VE4
      if (isOld(version, newest.version)) return { offset: newest.seq, epoch: newest.epoch }
      try {
        const result = await send(newest.seq) // VE2
        this.remember(channel, result, version)
        return result
      } catch (error) {
        this.known.delete(channel)
        if (!(error instanceof UnavailableError) || error.code !== 'other-newest') throw error
      }
    }
    throw tooMany()
  }

  private remember(channel: string, { offset, epoch }: PublishResult, version: Version): void {
    if (offset === undefined || epoch === undefined) return
    if (this.known.size >= maxKnown) this.known.clear()
    this.known.set(channel, { seq: offset, epoch, version })
  }

  /** Undefined: what was read doesn't reach as far as the newest. */
  private async read(namespace: string, channel: string): Promise<Newest | undefined> {
    const { log } = this.broker
    const { stream, subject, epoch } = this.broker.route(namespace, channel)
    const seq = (await log.tops(stream, [subject])).newest.get(subject)?.seq ?? 0
    let upTo = seq
    for (let walked = 0; upTo > 0 && walked < maxWalk;) {
      const messages = await log.readBackwards(stream, subject, upTo, page.limit, page.bytes)
      const [first] = messages
      if (walked === 0 && first?.seq !== seq) return undefined // VE4
      for (const { meta } of messages) {
        const version = decodeMeta(meta)?.version
        if (version !== undefined) return { seq, epoch, version }
      }
      walked += messages.length
      upTo = (messages.at(-1)?.seq ?? 1) - 1
      if (messages.length === 0) break
    }
    if (upTo > 0 && upTo < seq && (await this.isMore(stream, subject, upTo))) throw tooFar()
    return { seq, epoch, version: undefined }
  }

  private async isMore(stream: string, subject: string, upTo: number): Promise<boolean> {
    return (await this.broker.log.readBackwards(stream, subject, upTo, 1, page.bytes)).length > 0
  }
}

const tooMany = (): UnavailableError =>
  new UnavailableError('too-many-writers', 'Too many publish into this channel at once: not done, try again')

const isOld = ({ number, epoch }: Version, newest: Version | undefined): boolean =>
  newest !== undefined && (epoch === '' || epoch === newest.epoch) && number <= newest.number

const tooFar = (): UnavailableError =>
  new UnavailableError(
    'version-too-far',
    `More than ${maxWalk} publications without a version lie above the newest with one: publish all of a channel with versions`,
  )
