/** What the persistence app can be told; `config/persistence.config.ts` reads it. Durations in ms, sizes in bytes. */
export interface PersistenceOptions {
  /** In logs and metrics. */
  name: string
  /** Messages of one transaction, at most. */
  batchMessages: number
  /** About so many bytes of one transaction. */
  batchBytes: number
  /** How long publications gather while the archive keeps up. */
  batchDelayMs: number
  /** From which age of the oldest waiting publication on this process isn't healthy. */
  lagAlarmMs: number
  /** How long archived publications stay in a stream that refuses. 0 = they go once they are archived. */
  hotForMs: number
  /** For how long another mesh that has the archive must not have been seen before this one takes it over. */
  ownerTimeoutMs: number
}
