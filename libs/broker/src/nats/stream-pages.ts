/**
 * Pages of whole streams, by the cheaper of two ways.
 *
 * SP1. A page that goes on where the one before it ended comes through a consumer; any other is a direct get. Who looks at one place
 *      makes no consumer, and doesn't disturb who reads on.
 * SP2. A consumer is a convenience: whatever it fails with, the page is a direct get, and what that fails with is the answer.
 * SP3. That nothing is there only a direct get says: a consumer hears of a message a moment after its publisher was told that it is
 *      stored.
 */
import type { StreamMessage } from '../broker.js'
import { directGet } from './direct-get.js'
import type { Requests } from './requests.js'
import { StreamReader, type ReaderParts, type StreamPage } from './stream-reader.js'

export interface PageRange {
  from: number
  limit: number
  maxBytes: number
}

export interface StreamPagesParts extends ReaderParts {
  requests: Requests
}

interface Place {
  /** Behind the last page that was a direct get: who begins there reads on. */
  directEnd: number | undefined
  reader: StreamReader | undefined
}

/** Where no consumer could be made (a permission, a limit of the account) none is tried again so soon. */
const RETRY_MS = 30_000

export class StreamPages {
  private readonly places = new Map<string, Place>()
  private retryAtMs = 0

  constructor(private readonly parts: StreamPagesParts) {
    parts.link.onLoss(() => this.endAll())
  }

  /** @throws UnavailableError. */
  async read(stream: string, range: PageRange): Promise<StreamPage> {
    const place = this.placeOf(stream)
    return (await this.onwards(stream, place, range)) ?? (await this.directly(stream, place, range))
  }

  /** SP1. Undefined when it can't be had so. */
  private async onwards(stream: string, place: Place, range: PageRange): Promise<StreamPage | undefined> {
    const reader =
      place.reader?.next === range.from ? place.reader : await this.openAt(stream, place, range.from)
    const page = await reader?.page(range.limit, range.maxBytes).catch(() => undefined) // SP2
    return page?.messages.length === 0 ? undefined : page // SP3
  }

  private async openAt(stream: string, place: Place, from: number): Promise<StreamReader | undefined> {
    if (place.directEnd !== from || this.parts.clock.now() < this.retryAtMs) return undefined
    place.directEnd = undefined
    place.reader?.end()
    place.reader = undefined
    try {
      const reader = await StreamReader.open(this.parts, stream, from)
      place.reader = reader
      return reader
    } catch {
      this.retryAtMs = this.parts.clock.now() + RETRY_MS
      return undefined
    }
  }

  private async directly(stream: string, place: Place, range: PageRange): Promise<StreamPage> {
    const query = {
      seq: Math.max(1, range.from),
      next_by_subj: '>',
      batch: range.limit,
      max_bytes: range.maxBytes,
    }
    const reply = await directGet(this.parts.requests, stream, query)
    const messages = (reply?.messages ?? []).map(
      ({ scan: { seq, timeNs = 0n, meta, subject = '' }, body }): StreamMessage => ({
        seq,
        timeNs,
        body,
        meta,
        subject,
      }),
    )
    place.directEnd = (messages.at(-1)?.seq ?? range.from - 1) + 1
    return { messages, pending: reply?.pending ?? 0 }
  }

  private placeOf(stream: string): Place {
    let place = this.places.get(stream)
    if (place === undefined) this.places.set(stream, (place = { directEnd: undefined, reader: undefined }))
    return place
  }

  private endAll(): void {
    for (const place of this.places.values()) {
      place.reader?.end()
      place.reader = undefined
      place.directEnd = undefined
    }
  }
}
