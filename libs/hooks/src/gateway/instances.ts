/**
 * What a gateway knows of one instance of an app, and which one it asks next. Pure.
 *
 * I1. An instance is *trusted* until two hooks in a row got no answer within the deadline; then it is *out*.
 * I2. Out and silent to probes: never asked. Out and answering them: asked when no trusted one is there; and tried with one harmless
 *     hook at a time, at most every ten seconds, while a trusted one is asked the same at once. So a hung handler behind a
 *     process that still beats costs nobody an answer.
 * I3. Any answer brings it back. So does answering probes with nothing overdue for five seconds when nobody tried it, and for a minute
 *     after the last try: an app whose hooks are all harmful gets its instances back too.
 */
import type { AnswerTable } from '../hooks.js'
import type { AppBeat } from '../app-wire.js'

const timeoutsUntilOut = 2
const trialPauseMs = 10_000
/** After the last trial, or without one. */
const provenMs = { tried: 60_000, untried: 5_000 }

type Standing =
  | { kind: 'trusted'; timeouts: number }
  | {
      kind: 'out'
      sinceMs: number
      /** Answers probes since then; undefined = it doesn't. */
      aliveSinceMs: number | undefined
      /** Last asked a hook while it was out. */
      triedAtMs: number | undefined
    }

export interface Instance {
  readonly app: string
  readonly name: string
  readonly life: string
  /** The gateway that loaded it; undefined = it runs by itself. */
  readonly node: string | undefined
  hash: string
  /** Undefined until it was asked for it: it is not picked. */
  table: AnswerTable | undefined
  heardAtMs: number
  /** As it said in its last beat. */
  pending: number
  isDraining: boolean
  /** Asked by this gateway and not answered. */
  inFlight: number
  standing: Standing
  /** Each gives up one request that it has not answered. */
  readonly ends: Set<() => void>
}

export function newInstance(beat: AppBeat, nowMs: number): Instance {
  const { app, instance: name, life, node, hash, pending, isDraining } = beat
  const standing = { kind: 'trusted', timeouts: 0 } as const
  return {
    app,
    name,
    life,
    node,
    hash,
    table: undefined,
    heardAtMs: nowMs,
    pending,
    isDraining,
    inFlight: 0,
    standing,
    ends: new Set(),
  }
}

export interface Picked {
  instance: Instance
  /** It may not answer: ask another one at once (I2). */
  isTrial: boolean
}

/**
 * Least pending first: own requests in flight, then what it announced; ties at random. `mayTry`: one that is out may be given, if others
 * are there who can be asked the same.
 */
export function pick(
  candidates: readonly Instance[],
  options: { mayTry: boolean; nowMs: number; random: () => number },
): Picked | undefined {
  const there = candidates.filter(({ isDraining, table }) => !isDraining && table !== undefined)
  const trusted = there.filter(({ standing }) => standing.kind === 'trusted')
  const tried = options.mayTry ? there.find((one) => mayBeTried(one, options.nowMs)) : undefined
  if (tried !== undefined && trusted.length > 0) return { instance: tried, isTrial: true }
  const instance = leastBusy(trusted, options.random) ?? leastBusy(there.filter(isAlive), options.random)
  return instance === undefined ? undefined : { instance, isTrial: false }
}

function leastBusy(instances: readonly Instance[], random: () => number): Instance | undefined {
  let best: Instance[] = []
  for (const one of instances) {
    const order = best[0] === undefined ? -1 : compareLoad(one, best[0])
    if (order < 0) best = [one]
    else if (order === 0) best.push(one)
  }
  return best[Math.floor(random() * best.length)]
}

const compareLoad = (a: Instance, b: Instance): number => a.inFlight - b.inFlight || a.pending - b.pending

const isAlive = ({ standing }: Instance): boolean =>
  standing.kind === 'out' && standing.aliveSinceMs !== undefined

function mayBeTried({ standing }: Instance, nowMs: number): boolean {
  if (standing.kind === 'trusted' || standing.aliveSinceMs === undefined) return false
  return standing.triedAtMs === undefined || nowMs - standing.triedAtMs >= trialPauseMs
}

/** It answered a hook. True: it was out, and is back. */
export function noteAnswer(instance: Instance): boolean {
  const isBack = instance.standing.kind === 'out'
  instance.standing = { kind: 'trusted', timeouts: 0 }
  return isBack // I3
}

/** It is asked a hook. */
export function noteAsked(instance: Instance, nowMs: number): void {
  const { standing } = instance
  if (standing.kind === 'out') instance.standing = { ...standing, triedAtMs: nowMs }
}

/** It did not answer a hook in time. True: it is out from now on (I1). */
export function noteTimeout(instance: Instance, nowMs: number): boolean {
  const { standing } = instance
  if (standing.kind === 'out') return false
  const timeouts = standing.timeouts + 1
  const isOut = timeouts >= timeoutsUntilOut
  instance.standing = isOut
    ? { kind: 'out', sinceMs: nowMs, aliveSinceMs: undefined, triedAtMs: undefined }
    : { kind: 'trusted', timeouts }
  return isOut
}

/** What came of a probe: how many handlers are overdue, undefined = no answer. True: it is back (I3). */
export function noteProbe(instance: Instance, overdue: number | undefined, nowMs: number): boolean {
  const { standing } = instance
  if (standing.kind === 'trusted') return false
  const aliveSinceMs = overdue === undefined ? undefined : (standing.aliveSinceMs ?? nowMs)
  const { triedAtMs } = standing
  instance.standing = { ...standing, aliveSinceMs }
  if (aliveSinceMs === undefined || overdue !== 0) return false
  const quietMs = nowMs - Math.max(aliveSinceMs, triedAtMs ?? 0)
  if (quietMs < (triedAtMs === undefined ? provenMs.untried : provenMs.tried)) return false
  instance.standing = { kind: 'trusted', timeouts: 0 }
  return true
}
