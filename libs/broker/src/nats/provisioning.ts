import type { Subjects } from '../subjects.js'
import { shardsOf, type Topology } from '../topology.js'
import {
  ApiRefusal,
  STREAM_NAME_IN_USE,
  STREAM_NOT_FOUND,
  type JetStreamApi,
  type StreamInfo,
} from './jetstream-api.js'

export interface StreamOptions {
  replicas: number
  maxBytes: number
  maxAgeMs: number
  maxMessageBytes: number
}

const NANOSECONDS_PER_MS = 1_000_000
const DUPLICATE_WINDOW_MS = 120_000
const MAX_CONSUMERS = 20_000

/** The configuration of one channel stream. A change of it is a change of the topology's layout. */
export function streamConfig(
  topology: Topology,
  subjects: Subjects,
  index: number,
  options: StreamOptions,
): { name: string } {
  const shards = shardsOf(topology, index).map((shard) => subjects.storedShard(shard))
  return {
    name: topology.streams[index]?.name ?? subjects.stream(index),
    subjects: [...shards, subjects.sentinel(index)],
    republish: subjects.republish,
    retention: 'limits',
    storage: 'file',
    discard: 'old',
    num_replicas: options.replicas,
    max_age: options.maxAgeMs * NANOSECONDS_PER_MS,
    max_bytes: options.maxBytes,
    max_msg_size: options.maxMessageBytes,
    max_consumers: MAX_CONSUMERS,
    duplicate_window: Math.min(DUPLICATE_WINDOW_MS, options.maxAgeMs) * NANOSECONDS_PER_MS,
    allow_direct: true,
    allow_atomic: true,
    allow_rollup_hdrs: false,
  } as { name: string }
}

/**
 * Creates the stream if it isn't there, and never changes one that is: gateways of different builds boot side by side.
 *
 * @throws ApiRefusal when NATS refuses; UnavailableError.
 */
export async function ensureStream(
  api: JetStreamApi,
  config: { name: string },
): Promise<{ info: StreamInfo; isNew: boolean }> {
  try {
    return { info: await api.streamInfo(config.name), isNew: false }
  } catch (error) {
    if (!isRefusal(error, STREAM_NOT_FOUND)) throw error
  }
  try {
    return { info: await api.createStream(config), isNew: true }
  } catch (error) {
    // another gateway was faster, with settings of its own
    if (!isRefusal(error, STREAM_NAME_IN_USE)) throw error
    return { info: await api.streamInfo(config.name), isNew: false }
  }
}

function isRefusal(error: unknown, errCode: number): boolean {
  return error instanceof ApiRefusal && error.errCode === errCode
}
