/**
 * What a run through a rollout, a crash and an outage may look like, from the events of the cluster and the history of the clients.
 * Pure. What the clients got and what is stored, `test/fault/check.ts` judges.
 *
 * J1. While a Deployment rolls, never fewer are ready than it allows, and never more are there.
 * J2. Who is asked to end says so by its readiness within 3 s, while it still runs, and ends by itself, with code 0.
 * J3. A connection through the Service fails only where its pod has died or said that it isn't ready, and the proxy, which sent it there,
 *     doesn't know yet. Who is asked to end still takes connections for long enough that the proxy learns of it.
 * J4. A client of a pod that is asked to end is told so (3001), not cut off.
 */
import type { Rule } from '../../fault/evidence.js'
import type { HistoryEvent } from '../../fault/history.js'
import type { ClusterEvent } from './events.js'
import type { RolloutRule } from './rollout.js'

export type ClusterRule =
  | 'too-few-ready'
  | 'too-many'
  | 'ready-while-ending'
  | 'had-to-be-killed'
  | 'bad-exit'
  | 'connect-failed'
  | 'cut-off'
  | 'nobody-told'
  | 'ended'
  | 'ready-without-nats'
  | 'no-stall'
  | 'unexplained'

export interface Finding {
  rule: ClusterRule | Rule
  text: string
}

export interface Span {
  fromMs: number
  toMs: number
}

export interface Seen {
  workload: string
  service: string
  rule: RolloutRule
  /** So long who is asked to end still takes connections. */
  acceptsForMs: number
  events: readonly ClusterEvent[]
}

/** J2 */
const tellsWithinMs = 3_000

const isIn = ({ fromMs, toMs }: Span, { atMs }: { atMs: number }): boolean => atMs >= fromMs && atMs <= toMs

/** J1. What was there at the beginning counts from before. */
export function judgeCounts({ workload, rule, events }: Seen, span: Span): Finding[] {
  const [ready, there] = [new Set<string>(), new Set<string>()]
  const found: Finding[] = []
  const least = rule.replicas - rule.maxUnavailable
  const most = rule.replicas + rule.maxSurge
  for (const event of events) {
    if (event.kind !== 'pod' || event.owner !== workload || event.atMs > span.toMs) continue
    count(event, ready, there)
    if (event.atMs < span.fromMs) continue
    if (ready.size < least)
      found.push({
        rule: 'too-few-ready',
        text: `${ready.size} of ${workload} ready after ${event.pod} ${event.change}: ${least} are promised`,
      })
    if (there.size > most)
      found.push({
        rule: 'too-many',
        text: `${there.size} of ${workload} after ${event.pod} ${event.change}: ${most} are allowed`,
      })
  }
  return found
}

function count(
  { pod, change }: Extract<ClusterEvent, { kind: 'pod' }>,
  ready: Set<string>,
  there: Set<string>,
): void {
  if (change === 'created') there.add(pod)
  if (change === 'ready' && there.has(pod)) ready.add(pod)
  if (change === 'unready' || change === 'deleted') ready.delete(pod)
  if (change === 'deleted') there.delete(pod)
}

/** J2, of each pod whose deletion began in the span and that was ready then. `latenessMs` of our own is no fault of the pod's. */
export function judgeEnds({ workload, events }: Seen, span: Span, latenessMs = 0): Finding[] {
  const found: Finding[] = []
  const deleted = events.filter(
    (event) => event.kind === 'pod' && event.change === 'deleted' && event.owner === workload,
  )
  for (const event of deleted.filter((one) => isIn(span, one))) {
    if (event.kind !== 'pod' || !wasReady(events, event)) continue
    const { pod, atMs } = event
    const after = events.filter((one) => 'pod' in one && one.pod === pod && one.atMs >= atMs)
    const exit = after.find((one) => one.kind === 'container' && one.change === 'exited')
    const off = after.find((one) => one.kind === 'pod' && one.change === 'unready')
    const isTold =
      off !== undefined &&
      off.atMs <= atMs + tellsWithinMs + latenessMs &&
      (exit === undefined || after.indexOf(off) < after.indexOf(exit))
    if (!isTold)
      found.push({
        rule: 'ready-while-ending',
        text: `${pod} was still ready, by its own word, ${tellsWithinMs} ms after its deletion or at its exit`,
      })
    if (after.some((one) => one.kind === 'container' && one.change === 'killed'))
      found.push({ rule: 'had-to-be-killed', text: pod })
    else if (exit?.kind === 'container' && exit.why !== '0')
      found.push({ rule: 'bad-exit', text: `${pod} ended with ${exit.why}` })
  }
  return found
}

function wasReady(events: readonly ClusterEvent[], at: Extract<ClusterEvent, { kind: 'pod' }>): boolean {
  const before = events.slice(0, events.indexOf(at))
  const last = before.findLast(
    (one) => one.kind === 'pod' && one.pod === at.pod && (one.change === 'ready' || one.change === 'unready'),
  )
  return last?.kind === 'pod' && last.change === 'ready'
}

/** J3. */
export function judgeConnects(seen: Seen, span: Span): Finding[] {
  const found: Finding[] = []
  for (const event of seen.events) {
    if (event.kind !== 'connect' || event.service !== seen.service || !isIn(span, event)) continue
    if (event.outcome === 'connected' || isExplained(seen, event)) continue
    const how = event.outcome === 'nobody' ? 'was for nobody' : `was refused by ${event.pod}`
    found.push({ rule: 'connect-failed', text: `a connection at ${event.atMs} ${how}` })
  }
  return found
}

function isExplained(
  { events, acceptsForMs }: Seen,
  connect: Extract<ClusterEvent, { kind: 'connect' }>,
): boolean {
  const before = events
    .slice(0, events.indexOf(connect))
    .filter((one) => 'pod' in one && one.pod === connect.pod)
  const ready = before.findLastIndex((one) => one.kind === 'pod' && one.change === 'ready')
  const since = before.slice(ready + 1)
  if (since.some((one) => one.kind === 'container' && (one.change === 'exited' || one.change === 'struck')))
    return true
  const deleted = since.find((one) => one.kind === 'pod' && one.change === 'deleted')
  if (deleted !== undefined) return connect.atMs >= deleted.atMs + acceptsForMs
  return since.some((one) => one.kind === 'pod' && one.change === 'unready')
}

/** J4. */
export function judgeGoodbyes(
  history: Iterable<HistoryEvent>,
  span: Span,
): { found: Finding[]; goodbyes: number } {
  const cutOff = new Set<string>()
  let goodbyes = 0
  for (const event of history) {
    if (!isIn(span, event) || (event.kind !== 'left' && event.kind !== 'answer')) continue
    const code = /^closed (\d+)$/.exec(event.why ?? '')?.[1]
    const who = event.kind === 'left' ? event.subscriber : event.publisher
    if (code === '3001') goodbyes += 1
    else if (code !== undefined) cutOff.add(`${who} was closed with ${code}`)
  }
  return { found: [...cutOff].map((text) => ({ rule: 'cut-off', text })), goodbyes }
}

/** How long after `atMs` each pod of the workload that was ready said that it isn't; undefined: not in the span. */
export function readinessLosses(
  { workload, events }: Seen,
  { fromMs, toMs }: Span,
): Map<string, number | undefined> {
  const ready = new Set<string>()
  const losses = new Map<string, number | undefined>()
  for (const event of events) {
    if (event.kind !== 'pod' || event.owner !== workload || event.atMs > toMs) continue
    if (event.atMs < fromMs) count(event, ready, new Set([event.pod]))
    else if (event.change === 'unready' && losses.get(event.pod) === undefined)
      losses.set(event.pod, event.atMs - fromMs)
  }
  return new Map([...ready].map((pod) => [pod, losses.get(pod)]))
}

/** Containers of the workload that ended in the span. */
export const exitsOf = ({ workload, events }: Seen, span: Span): { pod: string; why: string }[] =>
  events.flatMap((event) =>
    event.kind === 'container' &&
    event.change === 'exited' &&
    event.pod.startsWith(`${workload}-`) &&
    isIn(span, event)
      ? [{ pod: event.pod, why: event.why ?? '' }]
      : [],
  )
