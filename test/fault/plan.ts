/**
 * What a run will do, from its settings and seed alone: who publishes what when, who reads what, who is killed when. Pure, so a
 * seed gives the same load and the same schedule again. (When each thing really happens is up to the machine.)
 */
import { oddityCount } from './publication-data.js'
import { chance, type Chance } from './seeded.js'
import type { Settings } from './settings.js'

export interface PlannedPublication {
  channel: string
  id: string
  /** What is odd about the data, and how long it is about: `dataOf` makes it when it is sent. */
  oddity: number
  bytes: number
}

export interface Burst {
  atMs: number
  publications: PlannedPublication[]
}

export interface PublisherPlan {
  name: string
  /** By time. */
  bursts: Burst[]
}

export type ReaderStep = { atMs: number } & (
  | { kind: 'join'; channel: string }
  /** Leaves and comes back with its position. */
  | { kind: 'churn'; channel: string; awayMs: number }
  /** Stops reading. */
  | { kind: 'stall'; forMs: number }
)

export interface SubscriberPlan {
  name: string
  /** From the first moment to the last. */
  channels: string[]
  /** By time. */
  steps: ReaderStep[]
}

export type Fault = { atMs: number; target: string } &
  /** SIGKILL, and started again after `downMs`. */
  (
    | { kind: 'kill'; downMs: number }
    /** SIGKILL of a gateway right after many publications were sent to it: some are stored by then, few acknowledged. */
    | { kind: 'kill-in-burst'; afterMs: number; downMs: number }
    | { kind: 'pause'; forMs: number }
    | { kind: 'restart' }
  )

export interface Plan {
  publishers: PublisherPlan[]
  subscribers: SubscriberPlan[]
  /** By time. */
  faults: Fault[]
}

/**
 * A stalled reader is only slow once the kernel's buffers are full as well, and they take more than 4 MiB. Large and small ones in
 * turn: what still fits after a dropped frame is what must not be sent.
 */
const stallBurst = { count: 160, largeBytes: 60_000, smallBytes: 200, groupOf: 8, everyMs: 90, forMs: 3_000 }

export function makePlan(settings: Settings): Plan {
  const publishers = named('publisher', settings.publishers).map((name) => ({ name, bursts: [] as Burst[] }))
  const channels = named('load:', settings.channels)
  const subscribers = planSubscribers(settings, channels)
  const stalls = planStalls(settings, subscribers, publishers)
  const briefs = planBriefs(settings, subscribers, publishers)
  planBursts(settings, channels, publishers, settings.publications - stalls - briefs)
  for (const publisher of publishers) publisher.bursts = publisher.bursts.toSorted(byTime)
  for (const subscriber of subscribers) subscriber.steps = subscriber.steps.toSorted(byTime)
  return { publishers, subscribers, faults: planFaults(settings) }
}

const byTime = (a: { atMs: number }, b: { atMs: number }): number => a.atMs - b.atMs

const named = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix.endsWith(':') ? prefix : `${prefix}-`}${n + 1}`)

const publication = (luck: Chance, channel: string, id: string, bytes: number): PlannedPublication => ({
  channel,
  id,
  oddity: luck.whole(0, oddityCount - 1),
  bytes,
})

function planSubscribers(settings: Settings, channels: readonly string[]): SubscriberPlan[] {
  const luck = chance(settings.seed, 'subscribers')
  const subscribers = named('subscriber', settings.subscribers).map((name) => ({
    name,
    channels: luck.sample(channels, luck.whole(1, 3)),
    steps: [] as ReaderStep[],
  }))
  for (const atMs of luck.moments(settings.churns, 500, settings.durationMs)) {
    const reader = luck.pick(subscribers)
    reader.steps.push({
      atMs,
      kind: 'churn',
      channel: luck.pick(reader.channels),
      awayMs: luck.whole(0, 800),
    })
  }
  return subscribers
}

/** Answers how many publications that takes. */
function planStalls(settings: Settings, subscribers: SubscriberPlan[], publishers: PublisherPlan[]): number {
  const luck = chance(settings.seed, 'stalls')
  const readers = subscribers.slice(0, 4)
  for (const { channels } of readers) channels.push('load:bulk')
  const { count, largeBytes, smallBytes, groupOf, everyMs, forMs } = stallBurst
  let published = 0
  for (const moment of luck.moments(settings.stalls, 1_000, settings.durationMs - 3_000)) {
    for (const { steps } of luck.sample(readers, 3)) steps.push({ atMs: moment, kind: 'stall', forMs })
    const publisher = luck.pick(publishers)
    for (let group = 0; group * groupOf < count; group += 1) {
      const publications = Array.from({ length: groupOf }, (_, n) => {
        const id = `${publisher.name}/bulk-${(published += 1)}`
        const bytes = n % 4 === 3 ? smallBytes : largeBytes
        return publication(luck, 'load:bulk', id, bytes)
      })
      publisher.bursts.push({ atMs: moment + 100 + group * everyMs, publications })
    }
  }
  return published
}

/** Answers how many publications that takes. */
function planBriefs(settings: Settings, subscribers: SubscriberPlan[], publishers: PublisherPlan[]): number {
  const luck = chance(settings.seed, 'briefs')
  let count = 0
  for (const [n, moment] of luck.moments(settings.briefs, 300, settings.durationMs).entries()) {
    const channel = `load:brief-${n + 1}`
    for (const { steps } of luck.sample(subscribers, 3)) steps.push({ atMs: moment, kind: 'join', channel })
    const publisher = luck.pick(publishers)
    for (let i = luck.whole(1, 2); i > 0; i -= 1) {
      const id = `${publisher.name}/brief-${(count += 1)}`
      const publications = [publication(luck, channel, id, 60)]
      publisher.bursts.push({ atMs: moment + luck.whole(0, 4), publications })
    }
  }
  return count
}

function planBursts(
  { seed, durationMs }: Settings,
  channels: readonly string[],
  publishers: PublisherPlan[],
  count: number,
): void {
  const luck = chance(seed, 'bursts')
  const sizes: number[] = []
  for (let left = count; left > 0; left -= sizes.at(-1) ?? left) {
    // most come alone, as people write; the others in bursts, as machines do
    const size = luck.next() < 0.6 ? luck.whole(1, 3) : luck.whole(10, 60)
    sizes.push(Math.min(left, size))
  }
  let published = 0
  for (const [n, atMs] of luck.moments(sizes.length, 0, durationMs).entries()) {
    const publisher = luck.pick(publishers)
    const some = luck.sample(channels, 2)
    const publications = Array.from({ length: sizes[n] ?? 1 }, () => {
      const id = `${publisher.name}/${(published += 1)}`
      return publication(luck, luck.pick(some), id, luck.whole(40, 400))
    })
    publisher.bursts.push({ atMs, publications })
  }
}

function planFaults(settings: Settings): Fault[] {
  const luck = chance(settings.seed, 'faults')
  const gateways = named('gateway', settings.gateways)
  const faults: Fault[] = []
  const some = (count: number, faultAt: (atMs: number, n: number) => Fault[]): void => {
    const moments = luck.moments(count, 1_500, settings.durationMs - 2_000)
    for (const [n, atMs] of moments.entries()) faults.push(...faultAt(atMs, n))
  }
  const downMs = (): number => luck.whole(0, 1_200)
  const kill = (target: string, atMs: number): Fault => ({ atMs, target, kind: 'kill', downMs: downMs() })
  const killInBurst = (target: string, atMs: number): Fault => ({
    atMs,
    target,
    kind: 'kill-in-burst',
    afterMs: luck.whole(0, 5),
    downMs: downMs(),
  })
  const pause = (target: string, atMs: number, minMs: number, maxMs: number): Fault => ({
    atMs,
    target,
    kind: 'pause',
    forMs: luck.whole(minMs, maxMs),
  })
  const gateway = (): string => luck.pick(gateways)
  some(settings.gatewayKills, (atMs, n) => [
    n % 3 === 0 ? kill(gateway(), atMs) : killInBurst(gateway(), atMs),
  ])
  some(settings.gatewayPauses, (atMs) => [pause(gateway(), atMs, 500, 6_000)])
  some(settings.gatewayRestarts, (atMs) => [{ atMs, target: gateway(), kind: 'restart' }])
  // well below the 3 s after which an append counts as unknown
  some(settings.natsPauses, (atMs) => [pause('nats', atMs, 300, 900)])
  if (!settings.hasArchive) return faults.toSorted(byTime)
  some(settings.persistenceKills, (atMs) => [kill('persistence', atMs)])
  some(settings.persistencePauses, (atMs) => [pause('persistence', atMs, 500, 4_000)])
  // in the midst of a transaction that can't go on
  some(settings.postgresPauses, (atMs) => [
    pause('postgres', atMs, 1_200, 1_200),
    kill('persistence', atMs + luck.whole(400, 900)),
  ])
  return faults.toSorted(byTime)
}
