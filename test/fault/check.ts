/**
 * The judge: from the history of a run, what the stream holds and what Postgres holds, every way in which a promise was broken.
 * Pure. It knows nothing of how the mesh works, only what it promises.
 *
 * J1. Nothing passes because it wasn't looked at: each event, each message of the stream and each row is judged by some rule.
 * J2. One fault is told once: after a missing publication the reader is judged from where it went on.
 * J3. What only the driver's own end of an answer can know (did the unknown publish happen?) is taken either way.
 */
import { checkArchive } from './check-archive.js'
import { checkPublishing } from './check-publishing.js'
import { checkReading } from './check-reading.js'
import type { Evidence, Rule, Violation } from './evidence.js'

export interface Verdict {
  violations: Violation[]
  counts: {
    acknowledged: number
    /** Publications that were sent again, with the same id. */
    repeats: number
    deliveries: number
    recoveries: number
    /** Times a reader was told to resume by position: allowed, and worth knowing. */
    resumes: number
    kills: number
  }
}

/** More than anybody reads. */
const maxViolations = 10_000

/** Events of the history in one pass, since a long run's don't fit into memory. */
export function check({ events, stream, archive }: Evidence): Verdict {
  const violations: Violation[] = []
  const report = (rule: Rule, text: string): void => {
    if (violations.length < maxViolations) violations.push({ rule, text })
  }
  const publishing = checkPublishing(stream, report)
  const reading = checkReading(stream, report)
  let kills = 0
  for (const event of events) {
    if (event.kind === 'fault') kills += event.action === 'kill' ? 1 : 0
    else if (event.kind === 'publish' || event.kind === 'answer') publishing.take(event)
    else if (event.kind !== 'stall') reading.take(event)
  }
  const counts = { ...publishing.end(), kills, ...reading.end() }
  if (archive !== undefined) checkArchive(stream, archive, report)
  return { violations, counts }
}
