/**
 * What is done to the gateways of a cluster while clients are on them, and what the judge finds of each. Each begins with a mesh that is
 * whole again after the one before.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Cluster, RolloutEnd } from './cluster.js'
import {
  exitsOf,
  judgeConnects,
  judgeCounts,
  judgeEnds,
  readinessLosses,
  type Finding,
  type Seen,
  type Span,
} from './judge.js'
import type { Manifest } from './manifests.js'

export interface Stage {
  cluster: Cluster
  gateways: number
  /** The chart with more variables for the gateways. */
  manifestsWith(env: Readonly<Record<string, string>>): Manifest[]
  say(line: string): void
}

/** What was found, and when it was done. */
export interface Strained {
  found: Finding[]
  span: Span
}

export const [gateway, nats] = ['natter-gateway', 'natter-nats']
export const propagationMs = 300
/** Much longer than that. */
export const drainDelayMs = 2_000
/** Of one step on a busy machine. */
export const patienceMs = 90_000
/** Readiness is false within 3 s of the cause. */
const unreadyWithinMs = 3_000

/** As somebody would: one more setting makes another revision of the pods. */
const otherSettings = { NATTER_LOG_LEVEL: 'info' }
const wrongSettings = { ...otherSettings, NATTER_GATEWAY_MAX_CONNECTIONS: 'plenty' }

const seen = ({ cluster }: Stage): Seen => ({
  workload: gateway,
  service: gateway,
  rule: cluster.ruleOf(gateway),
  acceptsForMs: drainDelayMs,
  events: cluster.events,
})

async function during(act: () => Promise<void>): Promise<Span & { latenessMs: number }> {
  const lateness = monitorEventLoopDelay()
  lateness.enable()
  const fromMs = Date.now()
  await act()
  lateness.disable()
  return { fromMs, toMs: Date.now(), latenessMs: lateness.max / 1e6 }
}

async function whole({ cluster, gateways }: Stage): Promise<void> {
  const isWhole = (): boolean => cluster.isWhole && isKnown(cluster, gateways)
  await cluster.until('a mesh that is whole, and a Service that knows it', isWhole, patienceMs)
}

/** Whether the proxy sends to all gateways. */
export function isKnown({ events }: Cluster, gateways: number): boolean {
  const last = events.findLast((event) => event.kind === 'endpoints' && event.service === gateway)
  return last?.kind === 'endpoints' && last.pods.length === gateways
}

export async function roll(stage: Stage): Promise<Strained> {
  const { cluster, gateways, say } = stage
  const areGone = (): boolean => cluster.podsOf(gateway).length === gateways
  const span = await during(async () => {
    await cluster.upgrade(stage.manifestsWith(otherSettings))
    await whole(stage)
    await cluster.until('the old gateways’ end', areGone, patienceMs)
  })
  say(`${gateways} gateways rolled`)
  const all = seen(stage)
  const found = [
    ...judgeCounts(all, span),
    ...judgeEnds(all, span, span.latenessMs),
    ...judgeConnects(all, span),
  ]
  return { found, span }
}

/** It is started again in its pod; nobody else ends. */
export async function killOne(stage: Stage): Promise<Strained> {
  const { cluster, say } = stage
  const [victim] = cluster.podsOf(gateway)
  const span = await during(async () => {
    victim?.container()?.strike('SIGKILL')
    await cluster.until('the end of a gateway', () => victim?.isReady === false, patienceMs)
    await whole(stage)
  })
  say('a gateway was killed, and is back')
  const others = exitsOf(seen(stage), span).filter(
    ({ pod, why }) => pod !== victim?.name || why !== 'SIGKILL',
  )
  return { found: [...others.map(ended), ...judgeConnects(seen(stage), span)], span }
}

const ended = ({ pod, why }: { pod: string; why: string }): Finding => ({
  rule: 'ended',
  text: `${pod} ended with ${why}, and nobody asked it to`,
})

/** And back again. */
export async function rollWrong(stage: Stage): Promise<Strained> {
  const { cluster, say } = stage
  const before = cluster.podsOf(gateway)
  let end: RolloutEnd = { kind: 'complete' }
  const span = await during(async () => {
    await cluster.upgrade(stage.manifestsWith(wrongSettings))
    end = await cluster.settled(patienceMs)
  })
  const isNamed = told(end).includes('NATTER_GATEWAY_MAX_CONNECTIONS')
  const found = [...judgeCounts(seen(stage), span), ...judgeConnects(seen(stage), span)]
  if (!isNamed)
    found.push({
      rule: 'no-stall',
      text: `a wrong setting should stall the rollout and be named: ${told(end)}`,
    })
  for (const { name } of before.filter(({ isReady }) => !isReady))
    found.push({ rule: 'too-few-ready', text: `${name}, an old one, went while no new one could come` })
  await cluster.upgrade(stage.manifestsWith(otherSettings))
  await whole(stage)
  if (isNamed) say('a wrong setting stalled the rollout and was named')
  return { found, span }
}

export const told = (end: RolloutEnd): string =>
  end.kind === 'complete' ? 'it is complete' : `${end.workload}, ${end.why}:\n${end.said}`

/** As `kubectl delete pod` does it: clients are sent away first, then the server ends, and another one takes its name and its data. */
export async function replaceNats(stage: Stage): Promise<Strained> {
  const { cluster, say } = stage
  const [old] = cluster.podsOf(nats)
  const span = await during(async () => {
    cluster.deletePod(old?.name ?? '')
    const isReplaced = (): boolean => cluster.podsOf(nats).some((pod) => pod !== old && pod.isReady)
    await cluster.until('another NATS', isReplaced, patienceMs)
    await whole(stage)
  })
  say(`NATS was replaced in ${((span.toMs - span.fromMs) / 1_000).toFixed(0)} s`)
  return { found: exitsOf(seen(stage), span).map(ended), span }
}

/** It crashes twice: the second time a kubelet waits for ten seconds. No gateway ends for that. */
export async function loseNats(stage: Stage): Promise<Strained> {
  const { cluster, say } = stage
  const container = cluster.podsOf(nats)[0]?.container()
  const crash = async (): Promise<void> => {
    const crashes = container?.crashes.length ?? 0
    container?.strike('SIGKILL')
    await cluster.until('the end of NATS', () => (container?.crashes.length ?? 0) > crashes, patienceMs)
  }
  await crash()
  await cluster.until('NATS, started again', () => container?.pid !== undefined, patienceMs)
  const span = await during(async () => {
    await crash()
    const isBack = (): boolean => container?.isReady === true
    await cluster.until('NATS, ready again', isBack, patienceMs)
    await whole(stage)
  })
  const all = seen(stage)
  const losses = [...readinessLosses(all, span)]
  const late = losses.filter(([, ms]) => ms === undefined || ms > unreadyWithinMs + span.latenessMs)
  const longest = losses.reduce((most, [, ms]) => Math.max(most, ms ?? Infinity), 0)
  say(`NATS crashed and is back; the last gateway said so after ${longest} ms`)
  const found = late.map(([pod, ms]): Finding => {
    const text = ms === undefined ? `${pod} was ready all the time` : `${pod} was ready for ${ms} ms`
    return { rule: 'ready-without-nats', text: `${text} while NATS was away` }
  })
  return { found: [...found, ...exitsOf(all, span).map(ended)], span }
}
