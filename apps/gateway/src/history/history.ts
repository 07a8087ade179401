import type { Namespace } from '@natter/auth'
import type { Broker, Route, StoredMessage } from '@natter/broker'
import { Gate, type Clock } from '@natter/primitives'
import type { HistoryResult, StreamPosition } from '@natter/protocol'
import type { Channels } from '../channels/channels.js'
import { DurableChannel } from '../channels/durable-channel.js'
import { fromLog, type NodeMessage } from '../channels/node-message.js'

export interface HistoryQuery {
  /** At most this many; 0 = only the position. */
  limit: number
  /** Newest first. */
  isReverse: boolean
  /** Exclusive. An empty epoch means "any". */
  since?: StreamPosition
}

/** A page in bytes: what a client can take in one frame without filling its send queue. */
const pageBytes = 524_288

/** Reads of the log that run at once; a storm of history calls must not starve recoveries. */
const concurrentReads = 64

/**
 * What clients may read of a durable channel: the log's newest first or oldest first, bounded by the namespace's
 * `history_size` and `history_ttl`, which are applied when reading. The position in the answer is the channel's newest
 * message, or the top of its stream when it has none.
 */
export class History {
  private readonly gate = new Gate(concurrentReads)

  constructor(
    private readonly broker: Broker,
    private readonly channels: Pick<Channels, 'find'>,
    private readonly clock: Clock,
  ) {}

  async read(
    channel: string,
    namespace: Namespace,
    query: HistoryQuery,
  ): Promise<HistoryResult | 'other-epoch'> {
    const route = this.broker.route(namespace.name, channel)
    const epoch = query.since?.epoch ?? ''
    if (epoch !== '' && epoch !== route.epoch) return 'other-epoch'
    return this.gate.run(async () => {
      const top = await this.top(route)
      const messages = query.limit === 0 ? [] : await this.page(channel, namespace, route, top, query)
      return { publications: messages.map((message) => message.publication), offset: top, epoch: route.epoch }
    })
  }

  private async top({ stream, subject }: Route): Promise<number> {
    const { upTo, newest } = await this.broker.log.tops(stream, [subject])
    return newest.get(subject)?.seq ?? upTo
  }

  private async page(
    channel: string,
    namespace: Namespace,
    route: Route,
    top: number,
    query: HistoryQuery,
  ): Promise<NodeMessage[]> {
    if (!namespace.isHistoryCapped)
      return query.isReverse
        ? this.newest(channel, route, before(query, top), query.limit)
        : this.oldest(route, top, query)
    const kept = await this.kept(channel, namespace, route, top)
    const since = query.since?.offset
    if (query.isReverse)
      return kept.filter(({ seq }) => since === undefined || seq < since).slice(0, query.limit)
    return kept
      .toReversed()
      .filter(({ seq }) => seq > (since ?? 0))
      .slice(0, query.limit)
  }

  /** All that a capped namespace lets clients read, newest first. */
  private async kept(
    channel: string,
    namespace: Namespace,
    route: Route,
    top: number,
  ): Promise<NodeMessage[]> {
    const { historySize, historyTtlMs } = namespace
    const messages = await this.newest(channel, route, top, historySize ?? Number.MAX_SAFE_INTEGER)
    if (historyTtlMs === undefined) return messages
    const oldestNs = BigInt(this.clock.now() - historyTtlMs) * 1_000_000n
    const firstTooOld = messages.findIndex(({ timeNs }) => timeNs < oldestNs)
    return firstTooOld === -1 ? messages : messages.slice(0, firstTooOld)
  }

  private async newest(channel: string, route: Route, upTo: number, limit: number): Promise<NodeMessage[]> {
    const open = this.channels.find(channel)
    const held = open instanceof DurableChannel && open.kind === 'live' && open.last >= upTo
    const fromRing = held ? open.ring.newest(limit, upTo) : undefined
    if (fromRing !== undefined) return fromRing
    const messages = await this.broker.log.readBackwards(route.stream, route.subject, upTo, limit, pageBytes)
    return messages.map(fromLog)
  }

  private async oldest({ stream, subject }: Route, top: number, query: HistoryQuery): Promise<NodeMessage[]> {
    const from = (query.since?.offset ?? 0) + 1
    if (from > top) return []
    const messages: StoredMessage[] = []
    let bytes = 0
    for (let next = from; messages.length < query.limit && bytes < pageBytes;) {
      const range = { from: next, to: top, limit: query.limit - messages.length, maxBytes: pageBytes - bytes }
      const read = await this.broker.log.read(stream, subject, range)
      messages.push(...read.messages)
      bytes += read.messages.reduce((sum, { body }) => sum + body.length, 0)
      next = (read.messages.at(-1)?.seq ?? top) + 1
      if (read.isComplete || read.messages.length === 0) break
    }
    return messages.map(fromLog)
  }
}

/** A reverse page begins below its `since`. */
function before({ since }: HistoryQuery, top: number): number {
  return since === undefined ? top : Math.min(top, since.offset - 1)
}
