/** Clients that read and publish through a Service for as long as they are let, recorded for the judge of `test/fault`. */
import { chance } from '../../fault/seeded.js'
import type { Door } from '../../fault/door.js'
import type { Recorder } from '../../fault/history.js'
import { makePlan } from '../../fault/plan.js'
import { Publisher } from '../../fault/publisher.js'
import { ciSettings } from '../../fault/settings.js'
import { Subscriber } from '../../fault/subscriber.js'

export interface LoadWish {
  door: Door
  recorder: Recorder
  subscribers: number
  publicationsPerSecond: number
  /** Longer than the run may take. */
  longestMs: number
  /** What no rollout explains. */
  fail(why: string): void
}

export interface Load {
  readonly readers: readonly Subscriber[]
  /** Begins nothing more; resolves when everything that was begun is acknowledged. */
  enough(): Promise<void>
  stop(): void
}

/** So many readers in a channel: each publication costs as many deliveries. */
const readersPerChannel = 12
const publishers = 10

/** Resolves when all are connected and subscribed; then they publish. */
export async function startLoad(wish: LoadWish): Promise<Load> {
  const { door, recorder, subscribers, publicationsPerSecond, longestMs, fail } = wish
  const none = { churns: 0, stalls: 0, briefs: 0 }
  const settings = {
    ...ciSettings,
    ...none,
    subscribers,
    publishers,
    channels: Math.max(4, Math.round((subscribers * 2) / readersPerChannel)),
    publications: Math.round((publicationsPerSecond * longestMs) / 1_000),
    durationMs: longestMs,
  }
  const plan = makePlan(settings)
  const worldOf = (name: string) => ({
    doors: [door],
    recorder,
    luck: chance(settings.seed, name),
    startMs: performance.now(),
    fail,
  })
  const readers = plan.subscribers.map((one) => new Subscriber(one, worldOf(one.name)))
  await Promise.all(readers.map((reader) => reader.start()))
  const writers = plan.publishers.map((one) => new Publisher(one, { ...worldOf(one.name), onSent: () => {} }))
  await Promise.all(writers.map((writer) => writer.start()))
  return {
    readers,
    enough: async () => {
      for (const writer of writers) writer.enough()
      await Promise.all(writers.map(({ done }) => done))
    },
    stop: () => {
      for (const client of [...readers, ...writers]) client.stop()
    },
  }
}
