/**
 * What happened in a run, as its clients and its nemesis saw it: one event per line of JSON, in the order in which the driver saw
 * them. Enough to judge the run again later, and to read when it failed.
 */
import { createHash } from 'node:crypto'
import { closeSync, createWriteStream, openSync, readSync } from 'node:fs'
import { finished } from 'node:stream/promises'

export interface Position {
  epoch: string
  offset: number
}

export type HistoryEvent = { atMs: number } & (
  | {
      kind: 'publish'
      publisher: string
      /** Of all connections of the run: each has its own number. */
      connection: number
      /** 1 is the first; a repeat has the same id and the same data. */
      attempt: number
      channel: string
      id: string
      hash: string
    }
  | {
      kind: 'answer'
      publisher: string
      id: string
      attempt: number
      /** `refused`: certainly not stored. `unknown`: a temporary error or none at all, so it may be stored. */
      outcome: 'acknowledged' | 'refused' | 'unknown'
      why?: string
    }
  /** Asked to be let in. */
  | { kind: 'subscribe'; subscriber: string; gateway: string; channel: string }
  | {
      kind: 'subscribed'
      subscriber: string
      gateway: string
      channel: string
      /** What the reply says. */
      epoch: string
      offset: number
      recovered: boolean
      /** Publications in the reply; they follow as deliveries. */
      count: number
      /** From where recovery was asked; absent: none was asked. */
      from?: Position
    }
  | { kind: 'delivery'; subscriber: string; channel: string; offset: number; hash: string }
  /** No longer subscribed: `asked`, `closed <code>`, or the code of an unsubscribe push. */
  | { kind: 'left'; subscriber: string; channel: string; why: string }
  | { kind: 'stall'; subscriber: string; forMs: number }
  | { kind: 'fault'; target: string; action: 'kill' | 'pause' | 'continue' | 'stop' | 'up' }
)

/** Who records doesn't say when. */
export type Happening = HistoryEvent extends infer E ? (E extends unknown ? Omit<E, 'atMs'> : never) : never

export interface Recorder {
  /** Milliseconds since 1970, whole. */
  record(happening: Happening): void
  /** When the newest event was recorded. */
  readonly lastMs: number
  /** Nothing is recorded after the call. */
  close(): Promise<void>
}

export function recordTo(file: string): Recorder {
  const out = createWriteStream(file)
  let lastMs = Date.now()
  let isClosed = false
  return {
    record(happening) {
      if (isClosed) return // what the end of the clients looks like is no part of the run
      lastMs = Date.now()
      out.write(`${JSON.stringify({ atMs: lastMs, ...happening })}\n`)
    },
    get lastMs() {
      return lastMs
    },
    async close() {
      isClosed = true
      out.end()
      await finished(out)
    },
  }
}

/** Line by line: the history of a long run is larger than memory should be. */
export function* readHistory(file: string): Generator<HistoryEvent> {
  for (const line of linesOf(file)) yield JSON.parse(line) as HistoryEvent
}

function* linesOf(file: string): Generator<string> {
  const descriptor = openSync(file, 'r')
  const chunk = Buffer.alloc(1_048_576)
  let rest = Buffer.alloc(0)
  try {
    for (;;) {
      const length = readSync(descriptor, chunk)
      if (length === 0) break
      const bytes = Buffer.concat([rest, chunk.subarray(0, length)])
      const end = bytes.lastIndexOf(10) + 1
      for (const line of bytes.toString('utf8', 0, end).split('\n')) if (line !== '') yield line
      rest = bytes.subarray(end)
    }
  } finally {
    closeSync(descriptor)
  }
}

/** Short, and long enough that two publications of a run don't share one. */
export function hashOf(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64url').slice(0, 12)
}
