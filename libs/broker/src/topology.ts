/**
 * Which stream holds which shard, and what each stream's numbering is called: a record that all nodes share, never a formula
 * over the configuration. Pure decisions; `nats/topology-keeper.ts` reads, writes and watches.
 *
 * T1. The shards never move by themselves: another wish for the number of streams, later, is ignored and told.
 * T2. An epoch is a random word, never a counter: two meshes that both began anew never call their numbering the same.
 *     The same goes for the name of the mesh itself, `id`: two meshes that were given one prefix by mistake can be told apart by it.
 * T3. A stream whose creation time isn't the recorded one is another stream: it gets a new epoch.
 */
import { InvalidError } from '@natter/primitives'
import type { Route } from './broker.js'
import { isRetention, withWish, type Retention, type RetentionWish } from './retention.js'
import { SHARD_COUNT, shardOf, type Subjects } from './subjects.js'

/** Version of the record. What an older build may pass over without harm, as `retention`, doesn't count. */
export const TOPOLOGY_LAYOUT = 1
export const MAX_STREAMS = 64

export interface TopologyStream {
  name: string
  /** As the server states it; '' until the first node has seen the stream. */
  created: string
  epoch: string
}

export interface Topology {
  layout: number
  /** A random word: which mesh this is. Undefined in the record of a build that did not know it, until a node of this one comes. */
  id?: string
  V: number
  streams: TopologyStream[]
  /** The index into `streams` of each shard. */
  shard: number[]
  /** Undefined in the record of a build that did not know it: its streams forget. */
  retention?: Retention
}

export interface EpochChange {
  stream: string
  epoch: string
  reason: string
}

/** The record of a mesh that has none yet. */
export function newTopology(
  subjects: Subjects,
  streams: number,
  newEpoch: () => string,
  wish?: RetentionWish,
): Topology {
  if (!Number.isInteger(streams) || streams < 1 || streams > MAX_STREAMS) {
    throw new InvalidError('bad-streams', `The number of streams must be 1 to ${MAX_STREAMS}, not ${streams}`)
  }
  return {
    layout: TOPOLOGY_LAYOUT,
    id: newEpoch(),
    V: SHARD_COUNT,
    streams: Array.from({ length: streams }, (_, index) => ({
      name: subjects.stream(index),
      created: '',
      epoch: newEpoch(),
    })),
    shard: Array.from({ length: SHARD_COUNT }, (_, shard) => shard % streams),
    ...(wish === undefined ? {} : { retention: withWish(undefined, wish) }),
  }
}

/** The record with a name for the mesh, or undefined when it has one. */
export function identified(topology: Topology, newId: () => string): Topology | undefined {
  return topology.id === undefined ? { ...topology, id: newId() } : undefined
}

/** What the record must become, given when each of its streams was created; `next` is undefined when it is right. */
export function reconcile(
  topology: Topology,
  created: readonly string[],
  newEpoch: () => string,
): Topology | undefined {
  let hasChanged = false
  const streams = topology.streams.map((stream, index) => {
    const seen = created[index]
    if (seen === undefined || seen === stream.created) return stream
    hasChanged = true
    const epoch = stream.created === '' ? stream.epoch : newEpoch() // T3
    return { name: stream.name, created: seen, epoch }
  })
  return hasChanged ? { ...topology, streams } : undefined
}

/** The record with another epoch for one stream, or undefined when `epoch` isn't the present one. */
export function renewed(
  topology: Topology,
  stream: string,
  epoch: string,
  newEpoch: () => string,
): Topology | undefined {
  const isCurrent = topology.streams.some(({ name, epoch: present }) => name === stream && present === epoch)
  if (!isCurrent) return undefined
  const streams = topology.streams.map((known) =>
    known.name === stream ? { ...known, epoch: newEpoch() } : known,
  )
  return { ...topology, streams }
}

/** @throws InvalidError `no-such-stream`. */
export function epochIn(topology: Topology, stream: string): string {
  const found = topology.streams.find(({ name }) => name === stream)
  if (found === undefined) throw new InvalidError('no-such-stream', `The topology has no stream ${stream}`)
  return found.epoch
}

/** Which numberings ended between two records. */
export function epochChanges(before: Topology, after: Topology): EpochChange[] {
  const known = new Map(before.streams.map((stream) => [stream.name, stream]))
  return after.streams.flatMap((stream) => {
    const old = known.get(stream.name)
    if (old === undefined || old.epoch === stream.epoch) return []
    const reason = old.created === stream.created ? 'renewed' : 'stream-recreated'
    return [{ stream: stream.name, epoch: stream.epoch, reason }]
  })
}

/** The shards of one stream. */
export function shardsOf(topology: Topology, streamIndex: number): number[] {
  return topology.shard.flatMap((index, shard) => (index === streamIndex ? [shard] : []))
}

/** Where a channel lives. `cell` names one of several clusters, and there is one. */
export function routeIn(
  topology: Topology,
  subjects: Subjects,
  channel: { cell: 0; namespace: string; name: string },
): Route {
  const shard = shardOf(channel.name)
  const stream = topology.streams[topology.shard[shard] ?? 0]
  if (stream === undefined)
    throw new InvalidError('bad-topology', `The topology has no stream for shard ${shard}`)
  return {
    stream: stream.name,
    epoch: stream.epoch,
    shard,
    subject: subjects.stored(channel.namespace, channel.name),
    liveSubject: subjects.live(channel.namespace, channel.name),
  }
}

export function encodeTopology(topology: Topology): Uint8Array {
  return Buffer.from(JSON.stringify(topology), 'utf8')
}

/** @throws InvalidError when a newer build wrote it, or nobody of ours. */
export function decodeTopology(bytes: Uint8Array): Topology {
  const value = parse(bytes)
  if (!isTopology(value)) throw new InvalidError('bad-topology', 'The topology record is none of ours')
  if (value.layout !== TOPOLOGY_LAYOUT) {
    const sentence = `The topology has layout ${value.layout}, this build knows ${TOPOLOGY_LAYOUT}: update Natter`
    throw new InvalidError('bad-topology', sentence)
  }
  return value
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}

function isTopology(value: unknown): value is Topology {
  if (typeof value !== 'object' || value === null) return false
  const { layout, id, V, streams, shard, retention } = value as Partial<Topology>
  if (typeof layout !== 'number' || V !== SHARD_COUNT || !Array.isArray(streams) || !Array.isArray(shard))
    return false
  if (id !== undefined && (typeof id !== 'string' || id === '')) return false
  if (retention !== undefined && !isRetention(retention)) return false
  const isStream = (stream: Partial<TopologyStream> | null): boolean =>
    typeof stream?.name === 'string' && typeof stream.created === 'string' && typeof stream.epoch === 'string'
  return streams.every(isStream) && shard.length === SHARD_COUNT && shard.every((index) => index in streams)
}
