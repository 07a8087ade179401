/**
 * What a kubelet concludes and when it acts. Pure.
 *
 * K1. A verdict turns after so many answers of the other kind in a row, and only then.
 * K2. Before the first answer a container isn't ready, and is alive.
 * K3. The first restart comes at once, each further one after a pause that doubles up to its maximum.
 * K4. From the deletion on a pod has its grace period, what it does before its end included; the signal that follows is left 2 s in any case.
 */
import type { ProbeSpec } from './manifests.js'

export type ProbeKind = 'readiness' | 'liveness' | 'startup'

export interface ProbeRule {
  initialDelayMs: number
  periodMs: number
  timeoutMs: number
  failureThreshold: number
  successThreshold: number
}

export interface ProbeState {
  isPassing: boolean
  /** Answers of the same kind in a row. */
  run: number
  last: boolean | undefined
}

/** Defaults are those of Kubernetes. */
export const probeRuleOf = (spec: ProbeSpec): ProbeRule => ({
  initialDelayMs: (spec.initialDelaySeconds ?? 0) * 1_000,
  periodMs: (spec.periodSeconds ?? 10) * 1_000,
  timeoutMs: (spec.timeoutSeconds ?? 1) * 1_000,
  failureThreshold: spec.failureThreshold ?? 3,
  successThreshold: spec.successThreshold ?? 1,
})

/** K2. */
export const unasked = (kind: ProbeKind): ProbeState => ({
  isPassing: kind === 'liveness',
  run: 0,
  last: undefined,
})

/** K1. */
export function afterAnswer(rule: ProbeRule, state: ProbeState, isSuccess: boolean): ProbeState {
  const run = state.last === isSuccess ? state.run + 1 : 1
  const isEnough = run >= (isSuccess ? rule.successThreshold : rule.failureThreshold)
  return { isPassing: isEnough ? isSuccess : state.isPassing, run, last: isSuccess }
}

const [firstPauseMs, longestPauseMs] = [10_000, 300_000]

/** K3. @param restarts how often it was started again so far. */
export const restartPauseMs = (restarts: number): number =>
  restarts === 0 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(restarts - 1, 10))

const shortestMs = 2_000

/** K4. @param passedMs since the deletion, when the signal is sent. Answers after how long it is killed. */
export const killAfterMs = (graceMs: number, passedMs: number): number =>
  Math.max(shortestMs, graceMs - passedMs)
