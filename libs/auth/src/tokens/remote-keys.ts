/**
 * Keys that a server publishes (a JSON web key set), kept for a while, and fetched again when a token names one that isn't there.
 *
 * J1. At most one request at a time, and at most one in `minIntervalMs` after the one before began, however many tokens come.
 * J2. A set that could not be fetched changes nothing: the keys that are there stay, however old they are.
 * J3. That a key doesn't exist is only said by a set that was asked for after somebody had come with it. Until then the answer is
 *     "not now": a client that was told "no" would not come back.
 * J4. Who comes with a key that is there waits for nothing, but for one request when the set has become old; and for none while
 *     requests fail.
 */
import { UnavailableError, type Clock } from '@natter/primitives'
import type { CompactJws } from './compact-jws.js'
import { getJson } from './get-json.js'
import { parseKeySet, type PublishedKey } from './public-keys.js'

export interface RemoteKeysOptions {
  /** http or https. */
  endpoint: string
  /** How old a set becomes before it is fetched again. */
  cacheMs: number
  clock: Clock
  /** Default 5 s. */
  minIntervalMs?: number
  /** Of a request. Default 3 s, below what a command may take. */
  timeoutMs?: number
  onFetched?: ((keys: number) => void) | undefined
  onFailed?: ((error: unknown) => void) | undefined
}

/** Room for many keys with their certificates. */
const maxBytes = 262_144

/** Names of keys that are remembered between two requests. */
const maxNames = 1_000

/** Candidates for one signature: several keys of a set may bear one name. */
const maxCandidates = 4

export class RemoteKeys {
  private keys: readonly PublishedKey[] = []
  private fetchedAtMs = Number.NEGATIVE_INFINITY
  private beganAtMs = Number.NEGATIVE_INFINITY
  private hasFailed = false
  private running: Promise<void> | undefined
  /** J3: somebody came with them since the last request began. */
  private missed = new Set<string>()
  /** J3: the last set that came says that they don't exist. */
  private absent: ReadonlySet<string> = new Set()
  private readonly closing = new AbortController()

  constructor(private readonly options: RemoteKeysOptions) {}

  /** Those that may have signed it; none = there is no such key; undefined = nobody can tell now. Never rejects. */
  async find(jws: CompactJws): Promise<readonly PublishedKey[] | undefined> {
    const present = this.candidates(jws)
    if (present.length > 0) return this.isOld ? this.renewed(jws) : present
    const name = nameOf(jws)
    if (this.missed.size < maxNames) this.missed.add(name)
    if (this.running !== undefined || this.canFetch) await this.fetch()
    const found = this.candidates(jws)
    if (found.length > 0) return found
    return this.absent.has(name) ? [] : undefined // J3
  }

  /** Fetches what will be needed; whether there are keys now. Never rejects. */
  async prepare(): Promise<boolean> {
    if (this.running !== undefined || this.canFetch) await this.fetch()
    return this.keys.length > 0
  }

  /** Resolves when no request is under way. */
  async idle(): Promise<void> {
    await this.running
  }

  /** Ends what is under way. */
  close(): void {
    this.closing.abort()
  }

  private get isOld(): boolean {
    return this.hasPassed(this.options.cacheMs, this.fetchedAtMs)
  }

  private get canFetch(): boolean {
    const { minIntervalMs = 5_000 } = this.options
    return this.running === undefined && this.hasPassed(minIntervalMs, this.beganAtMs)
  }

  /** A clock that was set back says nothing of how long ago that was: it has. */
  private hasPassed(ms: number, sinceMs: number): boolean {
    const passedMs = this.options.clock.now() - sinceMs
    return passedMs < 0 || passedMs >= ms
  }

  /** J4: whoever comes first while all is well waits, so that a key that was withdrawn lets nobody in once the set is old. */
  private async renewed(jws: CompactJws): Promise<readonly PublishedKey[]> {
    const before = this.candidates(jws)
    const mustWait = !this.hasFailed
    const fetching = this.running !== undefined || this.canFetch ? this.fetch() : undefined
    if (fetching === undefined || !mustWait) return before
    await fetching
    return this.candidates(jws)
  }

  /** The one that is under way, or a new one. */
  private fetch(): Promise<void> {
    this.running ??= this.fetchNow().finally(() => (this.running = undefined)) // J1
    return this.running
  }

  private async fetchNow(): Promise<void> {
    const { endpoint, clock, timeoutMs = 3_000, onFetched, onFailed } = this.options
    this.beganAtMs = clock.now()
    const asked = this.missed
    this.missed = new Set()
    this.absent = new Set() // it may exist by now
    try {
      const set = await getJson(endpoint, { timeoutMs, maxBytes, signal: this.closing.signal })
      const keys = parseKeySet(set)
      if (keys === undefined)
        throw new UnavailableError('no-keys', 'The key set holds no public key for signatures that we know.')
      this.keys = keys
      this.fetchedAtMs = clock.now()
      this.hasFailed = false
      this.absent = asked
      onFetched?.(keys.length)
    } catch (error) {
      this.hasFailed = true // J2
      if (!this.closing.signal.aborted) onFailed?.(error)
    }
  }

  /** A token that names no key is only for a set that leaves no choice. */
  private candidates({ keyId, algorithm, algorithmName }: CompactJws): readonly PublishedKey[] {
    if (algorithm.kind !== 'public') return []
    const fitting = this.keys.filter(
      (one) => algorithm.fits(one.key) && (one.algorithmName ?? algorithmName) === algorithmName,
    )
    if (keyId === undefined) return fitting.length === 1 ? fitting : []
    return fitting.filter(({ id }) => id === keyId).slice(0, maxCandidates)
  }
}

const nameOf = ({ keyId = '', algorithmName }: CompactJws): string => `${algorithmName} ${keyId}`
