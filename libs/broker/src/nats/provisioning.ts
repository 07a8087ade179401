import { UnavailableError } from '@natter/primitives'
import { limitsOf, type Retention, type StreamLimits } from '../retention.js'
import type { Subjects } from '../subjects.js'
import { shardsOf, type Topology } from '../topology.js'
import {
  ApiRefusal,
  STREAM_NAME_IN_USE,
  STREAM_NOT_FOUND,
  type JetStreamApi,
  type StreamInfo,
} from './jetstream-api.js'

/** What counts when a stream is created. */
export interface StreamOptions {
  replicas: number
  maxMessageBytes: number
}

export const MAX_CONSUMERS = 20_000

/** The configuration of one channel stream. But for the limits, a change of it is a change of the topology's layout. */
export function streamConfig(
  topology: Topology & { retention: Retention },
  subjects: Subjects,
  index: number,
  options: StreamOptions,
): { name: string } & StreamLimits {
  const shards = shardsOf(topology, index).map((shard) => subjects.storedShard(shard))
  return {
    name: topology.streams[index]?.name ?? subjects.stream(index),
    subjects: [...shards, subjects.sentinel(index)],
    republish: subjects.republish,
    retention: 'limits',
    storage: 'file',
    num_replicas: options.replicas,
    ...limitsOf(topology.retention),
    max_msg_size: options.maxMessageBytes,
    max_consumers: MAX_CONSUMERS,
    allow_direct: true,
    allow_atomic: true,
    allow_rollup_hdrs: false,
  } as { name: string } & StreamLimits
}

/** Brings a stream's limits in line; false when they were. Everything else stays as it is, contents and sequences too. */
export async function alignLimits(
  api: JetStreamApi,
  info: StreamInfo,
  wanted: StreamLimits,
): Promise<boolean> {
  const { config } = info
  const isAligned =
    config.discard === wanted.discard &&
    config.max_bytes === wanted.max_bytes &&
    (config.max_age ?? 0) === wanted.max_age &&
    config.duplicate_window === wanted.duplicate_window
  if (isAligned) return false
  const { discard, max_bytes, max_age, duplicate_window } = wanted
  await api.updateStream({ ...config, discard, max_bytes, max_age, duplicate_window })
  return true
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

/**
 * For guests, who create nothing.
 *
 * @throws UnavailableError `no-mesh` when it isn't there.
 */
export async function requireStream(api: JetStreamApi, name: string): Promise<StreamInfo> {
  try {
    return await api.streamInfo(name)
  } catch (error) {
    if (!isRefusal(error, STREAM_NOT_FOUND)) throw error
    throw new UnavailableError(
      'no-mesh',
      `This NATS has no ${name}: start a gateway first, and see that its prefix is the same`,
      { cause: error },
    )
  }
}

function isRefusal(error: unknown, errCode: number): boolean {
  return error instanceof ApiRefusal && error.errCode === errCode
}
