import { InvalidError } from '@natter/primitives'
import type { Journal, JournalEntry } from '../broker.js'
import type { MemoryMesh } from './memory-mesh.js'

const maxEntryBytes = 1_048_576

/** The journal of a {@link MemoryMesh}. */
export class MemoryJournal implements Journal {
  constructor(
    private readonly mesh: MemoryMesh,
    /** @throws UnavailableError while this node is cut off. */
    private readonly requireConnected: () => void,
  ) {}

  async append(
    subject: string,
    body: Uint8Array,
    { after }: { after?: number } = {},
  ): Promise<number | undefined> {
    this.requireConnected()
    if (body.length > maxEntryBytes) throw new InvalidError('message-too-large', 'Too large to be stored')
    return this.mesh.write(subject, body, after)
  }

  async read(subject: string): Promise<JournalEntry[]> {
    this.requireConnected()
    return [...this.mesh.written(subject)]
  }

  async last(subject: string): Promise<JournalEntry | undefined> {
    this.requireConnected()
    return this.mesh.written(subject).at(-1)
  }

  async purge(subject: string, before = Number.POSITIVE_INFINITY): Promise<void> {
    this.requireConnected()
    this.mesh.purgeWritten(subject, before)
  }

  async subjects(filter: string): Promise<string[]> {
    this.requireConnected()
    return this.mesh.writtenSubjects(filter)
  }
}
