/** What an archive tells those who operate it. It never logs or counts itself. */
export interface ArchiveEvents {
  'archive:migration:apply': { version: number; name: string }
  /** The first publication of a namespace on a day. `day` is in UTC, e.g. `2026-11-21`. */
  'archive:partition:create': { namespace: string; day: string }
  /** A day that `forget` removed. */
  'archive:partition:drop': { namespace: string; day: string }
  /** The store refused a publication; its bytes are among the dead letters. */
  'archive:dead-letter:write': { stream: string; epoch: string; seq: number; reason: string }
  /** The connection that held a stream's right is gone. */
  'archive:writer:lose': { stream: string; error: unknown }
}
