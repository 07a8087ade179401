import type { StoredRecord } from '../broker.js'

/** What `MemoryRecords` holds for all nodes of a mesh: for good, expiry is its reader's matter. */
export class HeldRecords {
  readonly held = new Map<string, StoredRecord>()
  /** Hear each record that is held. */
  readonly holders = new Set<(record: StoredRecord) => void>()

  constructor(private readonly nextRevision: () => number) {}

  hold(key: string, value: Uint8Array): number {
    const record = { key, value: new Uint8Array(value), revision: this.nextRevision() }
    this.held.delete(key) // the newest stands last
    this.held.set(key, record)
    for (const hear of this.holders) hear(record)
    return record.revision
  }
}
