/**
 * How much streams keep and what they do when they are full: part of the topology record, so that all nodes go by the same.
 * Pure decisions; `nats/topology-keeper.ts` reads, writes and tells.
 *
 * K1. Each part changes only for who says so, and the newest boot that does wins: a node that was started with fewer settings, or
 *     without its archive, must neither resize the mesh's streams nor make them forget. Defaults are for a new mesh.
 * K2. A stream that refuses has no age: it would evict what was not archived.
 * K3. A recorded size or age too small to be one counts as none: NATS takes 0 for "no limit" and says so, and a node that compares
 *     would align for ever.
 */
export interface Retention {
  /** `refuse`: new messages are refused. `forget`: the oldest ones go, and those older than `maxAgeMs`. */
  onFull: 'refuse' | 'forget'
  /** Per stream. */
  maxBytes: number
  /** Goes for streams that forget. */
  maxAgeMs: number
}

/** What a node was configured with. What is absent stays as it is; in a new mesh it is the default. */
export type RetentionWish = Partial<Retention>

/** A new mesh: 1 GiB per stream, a day, and full streams forget. */
const defaults: Retention = { onFull: 'forget', maxBytes: 1_073_741_824, maxAgeMs: 86_400_000 }
/** The sentinel of a stream and a message must fit. */
const LEAST: Retention = { ...defaults, maxBytes: 4_096, maxAgeMs: 100 }

/** The fields of a stream's configuration that follow the record. Times in nanoseconds. */
export interface StreamLimits {
  discard: 'old' | 'new'
  max_bytes: number
  max_age: number
  duplicate_window: number
}

const DUPLICATE_WINDOW_MS = 120_000
const NANOSECONDS_PER_MS = 1_000_000

/** What is recorded after a boot with this wish. */
export function withWish(recorded: Retention | undefined, wish: RetentionWish): Retention {
  const known = { ...defaults, ...sensible(recorded) }
  const { onFull = known.onFull, maxBytes = known.maxBytes, maxAgeMs = known.maxAgeMs } = wish // K1
  return { onFull, maxBytes, maxAgeMs }
}

/** K3 */
function sensible(recorded: Retention | undefined): RetentionWish {
  if (recorded === undefined) return {}
  const { onFull, maxBytes, maxAgeMs } = recorded
  return {
    onFull,
    ...(maxBytes < LEAST.maxBytes ? {} : { maxBytes }),
    ...(maxAgeMs < LEAST.maxAgeMs ? {} : { maxAgeMs }),
  }
}

export function isSameRetention(one: Retention | undefined, other: Retention | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return one.onFull === other.onFull && one.maxBytes === other.maxBytes && one.maxAgeMs === other.maxAgeMs
}

export function limitsOf({ onFull, maxBytes, maxAgeMs }: Retention): StreamLimits {
  const isRefusing = onFull === 'refuse'
  const windowMs = isRefusing ? DUPLICATE_WINDOW_MS : Math.min(DUPLICATE_WINDOW_MS, maxAgeMs)
  return {
    discard: isRefusing ? 'new' : 'old',
    max_bytes: maxBytes,
    max_age: isRefusing ? 0 : maxAgeMs * NANOSECONDS_PER_MS, // K2
    duplicate_window: windowMs * NANOSECONDS_PER_MS,
  }
}

/** As a line of a log says it. */
export function describeRetention(retention: Retention | undefined): string {
  if (retention === undefined) return 'as the streams were created'
  const { onFull, maxBytes, maxAgeMs } = retention
  return `${onFull}, ${maxBytes} bytes, ${maxAgeMs} ms`
}

export function isRetention(value: unknown): value is Retention {
  if (typeof value !== 'object' || value === null) return false
  const { onFull, maxBytes, maxAgeMs } = value as Partial<Retention>
  const isMode = onFull === 'refuse' || onFull === 'forget'
  return isMode && typeof maxBytes === 'number' && typeof maxAgeMs === 'number'
}
