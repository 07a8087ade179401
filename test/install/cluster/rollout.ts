/**
 * What a Deployment's controller does next, given its pods: the arithmetic of Kubernetes, on pods instead of replica sets. Pure.
 *
 * D1. Pods that aren't being deleted are never more than `replicas` + `maxSurge`. Those that are on their way out don't count: they
 *     may be there beside.
 * D2. Nothing is deleted that would leave fewer than `replicas` − `maxUnavailable` available; pods that aren't available anyway go
 *     first.
 * D3. It comes to an end: when new pods become available, there are `replicas` of them and no old one. When they don't, old ones stay.
 */
import type { Deployment } from './manifests.js'

export interface RolloutRule {
  replicas: number
  maxSurge: number
  maxUnavailable: number
  minReadyMs: number
  progressDeadlineMs: number
  /** All old ones are gone before the first new one is made. */
  isRecreate: boolean
}

export interface PodView {
  name: string
  /** Of its template. */
  revision: string
  /** Undefined while it isn't ready. */
  readySinceMs: number | undefined
  isDeleting: boolean
  createdMs: number
}

export type RolloutStep = { kind: 'create'; count: number } | { kind: 'delete'; names: string[] }

/** Defaults are those of Kubernetes. Without `replicas` (an autoscaler has them) it is the number given. */
export function ruleOf({ spec }: Deployment, replicasOtherwise = 1): RolloutRule {
  const { strategy = {}, minReadySeconds = 0, progressDeadlineSeconds = 600 } = spec
  const replicas = spec.replicas ?? replicasOtherwise
  const { maxSurge = '25%', maxUnavailable = '25%' } = strategy.rollingUpdate ?? {}
  const surge = share(maxSurge, replicas, Math.ceil)
  const unavailable = share(maxUnavailable, replicas, Math.floor)
  return {
    replicas,
    maxSurge: surge,
    // both 0 would never move
    maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable,
    minReadyMs: minReadySeconds * 1_000,
    progressDeadlineMs: progressDeadlineSeconds * 1_000,
    isRecreate: strategy.type === 'Recreate',
  }
}

function share(value: number | string, whole: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value
  return value.endsWith('%') ? round((Number(value.slice(0, -1)) / 100) * whole) : Number(value)
}

export const isAvailable = (
  { readySinceMs, isDeleting }: PodView,
  minReadyMs: number,
  nowMs: number,
): boolean => !isDeleting && readySinceMs !== undefined && nowMs - readySinceMs >= minReadyMs

/** Undefined: nothing to do until something changes. */
export function nextStep(
  rule: RolloutRule,
  revision: string,
  pods: readonly PodView[],
  nowMs: number,
): RolloutStep | undefined {
  const active = pods.filter(({ isDeleting }) => !isDeleting)
  const [news, olds] = [
    active.filter((pod) => pod.revision === revision),
    active.filter((pod) => pod.revision !== revision),
  ]
  if (rule.isRecreate && pods.some((pod) => pod.revision !== revision)) return deletion(olds)
  const missing = rule.replicas - news.length
  const room = rule.replicas + rule.maxSurge - active.length // D1
  const count = Math.min(missing, room)
  if (count > 0) return { kind: 'create', count }
  if (missing < 0) return deletion(byWorth(news, rule, nowMs).slice(0, -missing))
  return deletion(dispensable(rule, news, olds, nowMs))
}

const deletion = (pods: readonly PodView[]): RolloutStep | undefined =>
  pods.length === 0 ? undefined : { kind: 'delete', names: pods.map(({ name }) => name) }

/** D2. */
function dispensable(
  rule: RolloutRule,
  news: readonly PodView[],
  olds: readonly PodView[],
  nowMs: number,
): PodView[] {
  const isUp = (pod: PodView): boolean => isAvailable(pod, rule.minReadyMs, nowMs)
  const minAvailable = rule.replicas - rule.maxUnavailable
  const newAvailable = news.filter(isUp).length
  const spare = news.length + olds.length - minAvailable - (news.length - newAvailable)
  if (spare <= 0) return []
  const [up, down] = [olds.filter(isUp), olds.filter((pod) => !isUp(pod))]
  const broken = down.slice(0, spare)
  const above = newAvailable + up.length - minAvailable
  return [...broken, ...byWorth(up, rule, nowMs).slice(0, Math.max(0, above))]
}

/** Who goes first: not available, ready for the shortest time, newest. */
function byWorth(pods: readonly PodView[], rule: RolloutRule, nowMs: number): PodView[] {
  const worth = (pod: PodView): number => (isAvailable(pod, rule.minReadyMs, nowMs) ? 1 : 0)
  return pods.toSorted(
    (a, b) =>
      worth(a) - worth(b) || (b.readySinceMs ?? 0) - (a.readySinceMs ?? 0) || b.createdMs - a.createdMs,
  )
}

/** Whether D3's end is reached. Pods on their way out are no reason to wait. */
export function isComplete(
  rule: RolloutRule,
  revision: string,
  pods: readonly PodView[],
  nowMs: number,
): boolean {
  const active = pods.filter(({ isDeleting }) => !isDeleting)
  const isUp = (pod: PodView): boolean =>
    pod.revision === revision && isAvailable(pod, rule.minReadyMs, nowMs)
  return active.length === rule.replicas && active.every(isUp)
}
