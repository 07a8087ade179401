/**
 * The channels of an in-memory mesh: what was published, and who is there.
 *
 * C1. Offsets grow by one within a channel; a repeat with the same key is stored once, for two minutes.
 * C2. `occupied` is told with the first subscriber, `vacated` when nobody has come back for `lingerMs`.
 */
import type { HookEvent } from '@natter/hooks'
import type { Clock, Timer } from '@natter/primitives'
import type { Bytes, ClientInfo, HistoryResult, Publication, StreamPosition } from '@natter/protocol'
import type { PublishOptions, Published } from '../mesh-driver.js'
import { namespaceOf, type Namespace, type Namespaces } from './rules.js'

/** A subscription, as its channel sees it. */
export interface Member {
  readonly info: ClientInfo
  publication(publication: Publication): void
}

export interface HistoryQuery {
  limit: number
  since?: StreamPosition
  isReverse: boolean
}

/** `HookEvent` without what each event has. */
export type Fact = HookEvent extends infer E ? (E extends unknown ? Omit<E, 'id' | 'atMs'> : never) : never

const epoch = 'memory'
const lingerMs = 5_000
const keyMs = 120_000

export class Channels {
  private readonly channels = new Map<string, Channel>()

  constructor(
    private readonly namespaces: Namespaces,
    private readonly clock: Clock,
    private readonly tell: (fact: Fact) => void,
  ) {}

  of(name: string): Channel {
    const known = this.channels.get(name)
    if (known !== undefined) return known
    const channel = new Channel(name, namespaceOf(this.namespaces, name), this.clock, this.tell)
    this.channels.set(name, channel)
    return channel
  }
}

export class Channel {
  /** All that was published, kept or not. */
  readonly published: Publication[] = []
  private readonly members = new Set<Member>()
  private readonly keys = new Map<string, { atMs: number; published: Published }>()
  private vacating: Timer | undefined

  constructor(
    readonly name: string,
    readonly namespace: Namespace,
    private readonly clock: Clock,
    private readonly tell: (fact: Fact) => void,
  ) {}

  get position(): StreamPosition {
    return { offset: this.namespace.isKept ? this.published.length : 0, epoch }
  }

  get presence(): ReadonlyMap<string, ClientInfo> {
    return new Map([...this.members].map(({ info }) => [info.client, info]))
  }

  publish(data: Bytes, { tags, idempotencyKey }: PublishOptions, info?: ClientInfo): Published {
    const before = idempotencyKey === undefined ? undefined : this.keys.get(idempotencyKey)
    if (before !== undefined && this.clock.now() - before.atMs < keyMs) return before.published // C1
    const offset = this.published.length + 1
    const stored = this.namespace.isKept ? { offset, time: this.clock.now() } : {}
    this.deliver({
      data,
      ...(info === undefined ? {} : { info }),
      ...(tags === undefined ? {} : { tags }),
      ...stored,
    })
    const published = this.namespace.isKept ? { position: { offset, epoch } } : {}
    if (idempotencyKey !== undefined) this.keys.set(idempotencyKey, { atMs: this.clock.now(), published })
    return published
  }

  /** `other-epoch`: the position is of another numbering. */
  read({ limit, since, isReverse }: HistoryQuery): HistoryResult | 'other-epoch' {
    if (since !== undefined && since.epoch !== '' && since.epoch !== epoch) return 'other-epoch'
    const kept = isReverse ? this.published.toReversed() : this.published
    const wanted = kept.filter(({ offset = 0 }) => {
      if (since === undefined) return true
      return isReverse ? offset < since.offset : offset > since.offset
    })
    return { publications: wanted.slice(0, limit), ...this.position }
  }

  join(member: Member): void {
    const isFirst = this.members.size === 0
    this.members.add(member)
    if (!isFirst) return
    if (this.vacating === undefined) this.report('occupied')
    this.vacating?.cancel()
    this.vacating = undefined
  }

  leave(member: Member): void {
    if (!this.members.delete(member) || this.members.size > 0) return
    this.vacating = this.clock.setTimer(() => {
      this.vacating = undefined
      this.report('vacated')
    }, lingerMs)
  }

  private deliver(publication: Publication): void {
    this.published.push(publication)
    for (const member of this.members) member.publication(publication)
  }

  private report(kind: 'occupied' | 'vacated'): void {
    this.tell({ kind, namespace: this.namespace.name, channel: this.name })
  }
}
