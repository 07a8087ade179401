import type { Records, RecordsListener, StoredRecord } from '../broker.js'
import { demandKey, maxRecordBytes, maxRecords, recordsFull, recordTooLarge } from '../records.js'
import type { HeldRecords } from './held-records.js'

/** A node's way to the mesh. */
export interface RecordsLink {
  readonly isConnected: boolean
  requireConnected(): void
  readonly onBack: Set<() => void>
  readonly onLoss: Set<() => void>
  keep(undo: () => void): () => void
}

/** The records of a mesh in memory. */
export class MemoryRecords implements Records {
  constructor(
    private readonly mesh: HeldRecords,
    private readonly link: RecordsLink,
  ) {}

  async get(key: string): Promise<StoredRecord | undefined> {
    demandKey(key)
    this.link.requireConnected()
    return this.mesh.held.get(key)
  }

  async put(key: string, value: Uint8Array, { after }: { after?: number } = {}): Promise<number | undefined> {
    demandKey(key)
    this.link.requireConnected()
    if (value.length > maxRecordBytes) throw recordTooLarge()
    const { held } = this.mesh
    const present = held.get(key)
    if (after !== undefined && after !== (present?.revision ?? 0)) return undefined
    if (present === undefined && held.size >= maxRecords) throw recordsFull()
    return this.mesh.hold(key, value)
  }

  follow(listener: RecordsListener): { stop(): void } {
    const { mesh, link } = this
    const read = (): void => {
      listener.begin()
      queueMicrotask(() => {
        if (isStopped || !link.isConnected) return
        for (const record of mesh.held.values()) listener.record(record)
        isCaughtUp = true
        listener.caughtUp()
      })
    }
    let [isStopped, isCaughtUp] = [false, false]
    const lost = (): void => {
      isCaughtUp = false
      listener.away()
    }
    const hear = (record: StoredRecord): void => {
      if (isCaughtUp) queueMicrotask(() => isCaughtUp && !isStopped && listener.record(record))
    }
    mesh.holders.add(hear)
    link.onBack.add(read)
    link.onLoss.add(lost)
    if (link.isConnected) queueMicrotask(() => !isStopped && read())
    const undo = (): void => {
      isStopped = true
      mesh.holders.delete(hear)
      link.onBack.delete(read)
      link.onLoss.delete(lost)
    }
    return { stop: link.keep(undo) }
  }
}
