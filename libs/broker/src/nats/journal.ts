import { UnavailableError } from '@natter/primitives'
import type { Journal, JournalEntry } from '../broker.js'
import { directGet } from './direct-get.js'
import {
  ApiRefusal,
  refusalToError,
  STREAM_NOT_FOUND,
  WRONG_LAST_SEQUENCE,
  type JetStreamApi,
} from './jetstream-api.js'
import type { NatsLink } from './connection.js'
import { ensureStream } from './provisioning.js'
import { rawHeaders, scanOf } from './raw-message.js'
import type { Requests } from './requests.js'

const maxBytes = 256 * 1_048_576
const pageEntries = 500
const pageBytes = 4 * 1_048_576

export interface JournalParts {
  link: NatsLink
  requests: Requests
  api: JetStreamApi
  stream: string
  subjects: readonly string[]
  replicas: number
}

/**
 * One JetStream stream.
 *
 * J1. It is created by the first entry, and looked for again after each reconnect: a mesh without apps has none.
 * J2. A replica may be behind: what it shows is read quickly, and the leader says where the end is.
 */
export class NatsJournal implements Journal {
  private existing: Promise<void> | undefined

  constructor(private readonly parts: JournalParts) {
    parts.link.onBack(() => (this.existing = undefined)) // J1
  }

  async append(
    subject: string,
    body: Uint8Array,
    { after }: { after?: number } = {},
  ): Promise<number | undefined> {
    try {
      await this.exists()
      const headers = after === undefined ? undefined : [`Nats-Expected-Last-Subject-Sequence: ${after}`]
      return await this.send(subject, body, headers && rawHeaders(headers))
    } catch (error) {
      if (error instanceof ApiRefusal && error.errCode === WRONG_LAST_SEQUENCE) return undefined
      throw refusalToError(error)
    }
  }

  async read(subject: string): Promise<JournalEntry[]> {
    const end = (await this.last(subject))?.seq ?? 0 // J2
    const entries: JournalEntry[] = []
    for (let from = 1; from <= end;) {
      const page = await this.page(subject, from)
      if (page.length === 0) return this.onlyIfGone(subject, from, entries)
      entries.push(...page)
      from = (page.at(-1)?.seq ?? end) + 1
    }
    return entries
  }

  async last(subject: string): Promise<JournalEntry | undefined> {
    return this.found({ last_by_subj: subject })
  }

  async purge(subject: string, before?: number): Promise<void> {
    await this.ifThere(() => this.parts.api.purgeSubject(this.parts.stream, subject, before))
  }

  async subjects(filter: string): Promise<string[]> {
    return (await this.ifThere(() => this.parts.api.subjectsOf(this.parts.stream, filter))) ?? []
  }

  private async page(subject: string, from: number): Promise<JournalEntry[]> {
    const query = { seq: from, next_by_subj: subject, batch: pageEntries, max_bytes: pageBytes }
    const reply = await directGet(this.parts.requests, this.parts.stream, query)
    return (reply?.messages ?? []).map(({ scan, body }) => ({ seq: scan.seq, body }))
  }

  /** The replica has no more: was it purged meanwhile, or is the replica behind? */
  private async onlyIfGone(subject: string, from: number, entries: JournalEntry[]): Promise<JournalEntry[]> {
    const next = await this.found({ seq: from, next_by_subj: subject })
    if (next === undefined) return entries
    throw new UnavailableError('stream-unavailable', `A replica of ${this.parts.stream} is behind. Try again`)
  }

  private async found(
    query: Parameters<JetStreamApi['leaderMessage']>[1],
  ): Promise<JournalEntry | undefined> {
    const message = await this.ifThere(() => this.parts.api.leaderMessage(this.parts.stream, query))
    return message && { seq: message.seq, body: Buffer.from(message.data ?? '', 'base64') }
  }

  /** Undefined when nobody has written anything yet (J1). */
  private async ifThere<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask()
    } catch (error) {
      if (error instanceof ApiRefusal && error.errCode === STREAM_NOT_FOUND) return undefined
      throw refusalToError(error)
    }
  }

  private exists(): Promise<void> {
    this.existing ??= ensureStream(this.parts.api, this.config()).then(
      () => {},
      (error: unknown) => {
        this.existing = undefined
        throw error
      },
    )
    return this.existing
  }

  private config(): { name: string } {
    return {
      name: this.parts.stream,
      subjects: this.parts.subjects,
      retention: 'limits',
      storage: 'file',
      discard: 'new',
      max_bytes: maxBytes,
      num_replicas: this.parts.replicas,
      allow_direct: true,
      allow_rollup_hdrs: false,
    } as { name: string }
  }

  private send(subject: string, body: Uint8Array, headers: Uint8Array | undefined): Promise<number> {
    const answer = (msg: Parameters<typeof scanOf>[0]): number => {
      if (msg.data.length === 0 && scanOf(msg)?.status === 503) {
        this.existing = undefined
        throw new UnavailableError('stream-unavailable', `The stream ${this.parts.stream} does not answer`)
      }
      const ack = msg.json<{ seq: number; error?: { err_code: number; description: string } }>()
      if (ack.error !== undefined) throw new ApiRefusal(ack.error.err_code, ack.error.description)
      return ack.seq
    }
    return this.parts.requests.ask(subject, body, answer, headers)
  }
}
