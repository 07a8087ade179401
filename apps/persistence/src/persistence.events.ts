import type { Verdict } from './stream/verdict.js'

/** What happens on the way into the archive, `noun:verb[:phase]`. Logs and metrics listen; single publications are no events. */
export interface PersistenceEvents {
  /** The store has the tables of this build: streams are archived from here on. */
  'archive:ready': { tookMs: number }
  'archive:migrate:failed': { error: unknown; retryMs: number }
  /**
   * Another mesh has the archive: nothing is archived, and it is tried again every few seconds. If that mesh isn't seen any more this
   * one takes the archive over in `waitSeconds`. Told once.
   */
  'archive:foreign': { owner: string; mesh: string; waitSeconds: number; hint: string }
  /** The archive was another mesh's, and is this one's now. */
  'archive:taken-over': { from: string; mesh: string }
  'archive:forget': { namespace: string; days: number }
  'archive:forget:failed': { namespace: string; error: unknown }
  /** This process writes the stream's archive now. */
  'stream:acquire': { stream: string }
  'stream:release': { stream: string }
  /**
   * What the stream's checkpoint says about the stream, and where reading begins. `returned`: it is the stream of an epoch that was
   * closed, and goes on behind that one's checkpoint.
   */
  'stream:verify': { stream: string; verdict: Verdict | 'returned'; epoch: string; seq: number }
  /** Nothing was lost by this: it is tried again from the checkpoint. `isNew`: the first of its kind since something succeeded. */
  'stream:fail': { stream: string; while: string; error: unknown; retryMs: number; isNew: boolean }
  /** After failures: the stream is archived again, by this process or by another one. */
  'stream:recover': { stream: string; failures: number; seconds: number }
  /** Publications wait for longer than `persistence.lag_alarm`. Told once a minute. */
  'stream:behind': { stream: string; seconds: number; messages: number }
  'stream:caught-up': { stream: string; seconds: number }
  'batch:write': {
    stream: string
    archived: number
    skipped: number
    bytes: number
    seq: number
    tookMs: number
  }
  /** The store refused this row: its bytes are in `dead_letter`. */
  'publication:dead-letter': { stream: string; seq: number; reason: string }
  /** Messages that were gone before they could be read. */
  'stream:gap': { stream: string; from: number; to: number; reason: string }
  'stream:purge': { stream: string; before: number; messages: number }
  /** Publications of a namespace that this process's configuration doesn't have: they are archived. Told once a namespace. */
  'namespace:unknown': { namespace: string }
}
