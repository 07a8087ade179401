import { InvalidError, UnavailableError, type Clock, type TypedEvents } from '@natter/primitives'
import type { BrokerEvents, Bus, Registry, RegistryEntry } from '../broker.js'
import type { NatsLink } from './connection.js'
import { ApiRefusal, refusalToError, WRONG_LAST_SEQUENCE, type JetStreamApi } from './jetstream-api.js'
import { ensureStream, requireStream } from './provisioning.js'
import { rawHeaders, scanOf } from './raw-message.js'
import { RegistryWatch } from './registry-watch.js'
import type { Requests } from './requests.js'

const KEY = /^[-/_=A-Za-z0-9]+(?:\.[-/_=A-Za-z0-9]+)*$/

export interface RegistryParts {
  link: NatsLink
  bus: Bus
  requests: Requests
  api: JetStreamApi
  events: TypedEvents<BrokerEvents>
  clock: Clock
}

/**
 * One JetStream key-value bucket.
 *
 * K1. Reads ask the leader: a replica may be behind.
 * K2. A watcher hears of a change from the bucket's republished subject, which is only a hint: it reads what is true then,
 *     and again after each reconnect and after a read that failed: what is lost costs a delay, never the newest value.
 * K3. The bucket is created at its first use, and looked for again after each reconnect: a NATS whose nodes keep no records
 *     has no empty bucket. A guest creates none: it finds it, or is told that there is no mesh.
 */
export class NatsRegistry implements Registry {
  private readonly stream: string
  private readonly watches = new Set<RegistryWatch>()
  private existing: Promise<void> | undefined

  constructor(
    private readonly parts: RegistryParts,
    private readonly bucket: string,
    private readonly live: string,
    private readonly replicas: number,
    private readonly mayCreate: boolean,
  ) {
    this.stream = `KV_${bucket}`
    parts.link.onBack(() => {
      this.existing = undefined // K3
      for (const watch of this.watches) watch.hint()
    })
  }

  /** @throws UnavailableError `no-mesh` where it isn't there and this is a guest. */
  async requireThere(): Promise<void> {
    await this.exists()
  }

  /** Looks whether a bucket that was in use is still there, and creates it again if not. */
  async verify(): Promise<void> {
    if (this.existing === undefined) return
    this.existing = undefined
    await this.exists()
  }

  async get(key: string): Promise<RegistryEntry | undefined> {
    const query = { last_by_subj: this.subject(key) }
    try {
      await this.exists()
      const found = await this.parts.api.leaderMessage(this.stream, query)
      if (found === undefined) return undefined
      return { value: Buffer.from(found.data ?? '', 'base64'), revision: found.seq }
    } catch (error) {
      throw refusalToError(error)
    }
  }

  create(key: string, value: Uint8Array): Promise<number | undefined> {
    return this.write(key, value, 0)
  }

  update(key: string, value: Uint8Array, revision: number): Promise<number | undefined> {
    return this.write(key, value, revision)
  }

  async watch(key: string, onEntry: (entry: RegistryEntry) => void): Promise<RegistryWatch> {
    const { link, clock, bus, events } = this.parts
    const subject = `${this.live}.${key}`
    const watch = new RegistryWatch({
      link,
      clock,
      read: () => this.get(key),
      onEntry,
      onCallbackError: (error) => events.emit('bus:callback:error', { subject, error }),
      onStop: () => {
        this.watches.delete(watch)
        hints.stop()
      },
    })
    const hints = bus.subscribe(subject, () => watch.hint())
    this.watches.add(watch)
    await bus.flush()
    await watch.look().catch(() => {}) // K2: repeated
    return watch
  }

  /** K3 */
  private exists(): Promise<void> {
    this.existing ??= this.findOrCreate().then(
      () => {},
      (error: unknown) => {
        this.existing = undefined
        throw error
      },
    )
    return this.existing
  }

  private findOrCreate(): Promise<unknown> {
    const { api } = this.parts
    return this.mayCreate ? ensureStream(api, this.config()) : requireStream(api, this.stream)
  }

  /** The stream below it, as the key-value convention wants it. */
  private config(): { name: string } {
    return {
      name: this.stream,
      subjects: [`$KV.${this.bucket}.>`],
      republish: { src: `$KV.${this.bucket}.>`, dest: `${this.live}.>` },
      max_msgs_per_subject: 1,
      max_bytes: 64 * 1_048_576,
      discard: 'new',
      storage: 'file',
      retention: 'limits',
      num_replicas: this.replicas,
      allow_direct: true,
      allow_rollup_hdrs: true,
      deny_delete: true,
    } as { name: string }
  }

  private subject(key: string): string {
    if (!KEY.test(key)) throw new InvalidError('bad-key', `'${key}' can't be a registry key`)
    return `$KV.${this.bucket}.${key}`
  }

  private async write(key: string, value: Uint8Array, expected: number): Promise<number | undefined> {
    const headers = rawHeaders([`Nats-Expected-Last-Subject-Sequence: ${expected}`])
    try {
      await this.exists()
      return await this.send(this.subject(key), value, headers)
    } catch (error) {
      if (error instanceof ApiRefusal && error.errCode === WRONG_LAST_SEQUENCE) return undefined
      throw refusalToError(error)
    }
  }

  private send(subject: string, value: Uint8Array, headers: ReturnType<typeof rawHeaders>): Promise<number> {
    const answer = (msg: Parameters<typeof scanOf>[0]): number => {
      if (msg.data.length === 0 && scanOf(msg)?.status === 503) {
        throw new UnavailableError('stream-unavailable', `The bucket ${this.bucket} does not answer`)
      }
      const ack = msg.json<{ seq: number; error?: { err_code: number; description: string } }>()
      if (ack.error !== undefined) throw new ApiRefusal(ack.error.err_code, ack.error.description)
      return ack.seq
    }
    return this.parts.requests.ask(subject, value, answer, headers)
  }
}
