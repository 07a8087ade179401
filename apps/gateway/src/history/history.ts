import type { Namespace } from '@natter/auth'
import type { Broker, Route } from '@natter/broker'
import { Gate, UnavailableError, type Clock } from '@natter/primitives'
import type { HistoryResult, StreamPosition } from '@natter/protocol'
import type { Channels } from '../channels/channels.js'
import { fromLog, type NodeMessage } from '../channels/node-message.js'

export interface HistoryQuery {
  /** At most this many; 0 = only the position. */
  limit: number
  /** Newest first. */
  isReverse: boolean
  /** Exclusive. An empty epoch means "any". */
  since?: StreamPosition
}

/** A page in bytes: what a client can take in one frame without filling its send queue. A page may be shorter than asked. */
const pageBytes = 524_288

/** Publications in one step of the way back to where a capped history begins. */
const floorStep = 300

/** Reads that run at once; a storm of history calls must not starve recoveries. */
const concurrentReads = 64

/** One channel, while one query is answered. */
interface Reading {
  channel: string
  route: Route
  /** The channel's newest sequence, or the top of its stream when it has none. */
  top: number
}

/**
 * What clients may read of a durable channel: newest first or oldest first, bounded by the namespace's `history_size` and
 * `history_ttl`, which are applied when reading.
 *
 * H1. A page is without holes between its first and last publication, and begins right behind `since` or where the readable
 *     history begins.
 * H2. All of an answer belongs to the epoch it names.
 */
export class History {
  private readonly gate = new Gate(concurrentReads)

  constructor(
    private readonly broker: Broker,
    private readonly channels: Pick<Channels, 'find'>,
    private readonly clock: Clock,
  ) {}

  /** @throws UnavailableError when it can't be read now, or nobody waits for it any more. */
  async read(
    channel: string,
    namespace: Namespace,
    query: HistoryQuery,
    isWanted?: () => boolean,
  ): Promise<HistoryResult | 'other-epoch'> {
    const route = this.broker.route(namespace.name, channel)
    const epoch = query.since?.epoch ?? ''
    if (epoch !== '' && epoch !== route.epoch) return 'other-epoch'
    const result = await this.gate.run(() => this.answer(channel, namespace, route, query), isWanted)
    if (this.broker.route(namespace.name, channel).epoch !== route.epoch) {
      throw new UnavailableError('epoch-changed', 'The channel was numbered anew meanwhile. Try again.') // H2
    }
    return result
  }

  private async answer(
    channel: string,
    namespace: Namespace,
    route: Route,
    query: HistoryQuery,
  ): Promise<HistoryResult> {
    const { upTo, newest } = await this.broker.log.tops(route.stream, [route.subject])
    const reading = { channel, route, top: newest.get(route.subject)?.seq ?? upTo }
    const messages = query.limit === 0 ? [] : await this.page(reading, namespace, query)
    return {
      publications: messages.map(({ publication }) => publication),
      offset: reading.top,
      epoch: route.epoch,
    }
  }

  private async page(reading: Reading, namespace: Namespace, query: HistoryQuery): Promise<NodeMessage[]> {
    const since = query.since?.offset
    const floor = namespace.isHistoryCapped ? await this.floor(reading, namespace) : 0
    if (!query.isReverse) return this.oldest(reading, Math.max((since ?? 0) + 1, floor), query.limit)
    const upTo = since === undefined ? reading.top : Math.min(reading.top, since - 1)
    const messages = await this.newest(reading, upTo, query.limit)
    return messages.filter(({ seq }) => seq >= floor)
  }

  /** The oldest sequence that the namespace lets clients read; above the top when there is none. */
  private async floor(reading: Reading, namespace: Namespace): Promise<number> {
    const { historySize = Number.MAX_SAFE_INTEGER, historyTtlMs } = namespace
    const oldestNs =
      historyTtlMs === undefined ? undefined : BigInt(this.clock.now() - historyTtlMs) * 1_000_000n
    let floor = reading.top + 1
    for (let left = historySize; left > 0;) {
      const step = await this.newest(reading, floor - 1, Math.min(left, floorStep))
      for (const { seq, timeNs } of step) {
        if (oldestNs !== undefined && timeNs < oldestNs) return floor
        floor = seq
      }
      if (step.length === 0) return floor
      left -= step.length
    }
    return floor
  }

  private async newest({ channel, route }: Reading, upTo: number, limit: number): Promise<NodeMessage[]> {
    const open = this.channels.find(channel)
    const isCovered = open?.isDurable === true && open.kind === 'live' && open.last >= upTo
    const held = isCovered ? open.ring.newest(limit, upTo) : undefined
    if (held !== undefined) return held
    const messages = await this.broker.log.readBackwards(route.stream, route.subject, upTo, limit, pageBytes)
    return messages.map(fromLog)
  }

  private async oldest({ route, top }: Reading, from: number, limit: number): Promise<NodeMessage[]> {
    if (from > top) return []
    const { messages } = await this.broker.log.read(route.stream, route.subject, {
      from,
      to: top,
      limit,
      maxBytes: pageBytes,
    })
    return messages.map(fromLog)
  }
}
