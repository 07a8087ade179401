import type { Namespace } from '@natter/auth'
import type { Subjects } from '@natter/broker'

export interface Selected {
  namespace: string
  channel: string
  /** The store gets a form for people's queries as well. */
  hasJson: boolean
}

/** Channels that are remembered, so that their subjects aren't decoded for each message. */
const maxRemembered = 20_000
const maxUnknown = 1_000

/**
 * Which messages of a stream belong into the archive.
 *
 * A namespace that this configuration doesn't know is archived: somebody stored it as durable, and what isn't carried over now is
 * gone when the stream forgets it.
 */
export class Selection {
  private readonly bySubject = new Map<string, Selected | undefined>()
  private readonly unknown = new Set<string>()

  constructor(
    private readonly subjects: Subjects,
    private namespaces: ReadonlyMap<string, Namespace>,
    /** Called once for each namespace. */
    private readonly onUnknown: (namespace: string) => void,
  ) {}

  /** From the next message on. What was skipped before stays out of the archive, as it would at a restart. */
  use(namespaces: ReadonlyMap<string, Namespace>): void {
    this.namespaces = namespaces
    this.bySubject.clear()
    this.unknown.clear()
  }

  /** Undefined = not a publication (e.g. a stream's sentinel), or of a namespace that isn't archived. */
  of(subject: string): Selected | undefined {
    if (this.bySubject.has(subject)) return this.bySubject.get(subject)
    if (this.bySubject.size >= maxRemembered) this.bySubject.clear()
    const selected = this.select(subject)
    this.bySubject.set(subject, selected)
    return selected
  }

  private select(subject: string): Selected | undefined {
    const found = this.subjects.channelOf(subject)
    if (found === undefined) return undefined
    const namespace = this.namespaces.get(found.namespace)
    if (namespace === undefined) this.noteUnknown(found.namespace)
    else if (namespace.keep !== 'archive') return undefined
    return { ...found, hasJson: namespace?.archivesJson ?? false }
  }

  private noteUnknown(namespace: string): void {
    if (this.unknown.has(namespace) || this.unknown.size >= maxUnknown) return
    this.unknown.add(namespace)
    this.onUnknown(namespace)
  }
}
