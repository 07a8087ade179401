/**
 * Registers the laws of a host as tests, for every combination.
 *
 * R1. A law of a combination runs once, with a way to the gateways and names of its own; no law sees another.
 * R2. Laws that wait for clocks are begun before all others, and go on beside them.
 * R3. Laws with an app come last: what holds without one must not find it there.
 */
import { afterAll, beforeAll, describe, it } from '@jest/globals'
import { leakCheck } from '@natter/testing'
import { combinations, type Combination } from './combinations.js'
import { chapters, type Chapter } from './laws/index.js'
import { startStage, type Stage } from './stage.js'
import type { Law } from './world.js'

export interface Host {
  readonly name: string
  readonly gateways: number
  /** Absent = all laws. */
  isFor?(law: Law): boolean
  start(): Promise<Runner>
}

/** What the SDK runs in. */
export interface Runner {
  /** Of its pages, where it has any. */
  readonly origin?: string
  run(law: Law, combination: Combination, stage: Stage): Promise<void>
  stop(): Promise<void>
}

type Case = readonly [name: string, combination: Combination, law: Law]

/** A law alone takes far less; beside those that wait for clocks, on a busy machine, one may. */
const timeoutMs = 30_000

export function registerLaws(host: Host): void {
  describe(host.name, () => {
    let expectNoLeaks: ReturnType<typeof leakCheck>
    const begun = new Map<string, Promise<unknown>>()
    let stage: Stage
    let runner: Runner

    beforeAll(async () => {
      expectNoLeaks = leakCheck(5_000) // here, because Jest has a timer for each hook; for fetch, which keeps connections for 4 s
      runner = await host.start()
      stage = await startStage({ gateways: host.gateways, allowedOrigins: runner.origin ?? '' })
      for (const [name, combination, law] of slow)
        begun.set(name, settled(runner.run(law, combination, stage))) // R2
    }, 60_000)

    afterAll(async () => {
      await Promise.all(begun.values())
      await runner.stop()
      await stage.stop()
      await expectNoLeaks()
    }, 60_000)

    const casesOf = (fits: (law: Law, chapter: Chapter) => boolean): Case[] =>
      combinations.flatMap((combination) =>
        chapters.flatMap((chapter) =>
          chapter.laws
            .filter((law) => (host.isFor?.(law) ?? true) && runsOver(law, combination) && fits(law, chapter))
            .map((law) => [`${nameOf(combination)}: ${law.title}`, combination, law] as const),
        ),
      )
    const slow = casesOf(({ isSlow }) => isSlow === true)
    const run = (_name: string, combination: Combination, law: Law): Promise<void> =>
      runner.run(law, combination, stage)

    it.each(casesOf(({ isSlow }, { needsApp }) => !isSlow && !needsApp))('%s', run, timeoutMs)

    it.each(slow)(
      '%s',
      async (name) => {
        const failure = await begun.get(name)
        if (failure !== undefined) throw failure
      },
      timeoutMs,
    )

    describe('with an app', () => {
      beforeAll(() => stage.startApp(), timeoutMs) // R3
      it.each(casesOf((_, { needsApp }) => needsApp === true))('%s', run, timeoutMs)
    })
  })
}

const nameOf = ({ transport, encoding }: Combination): string => `${transport} and ${encoding}`

const runsOver = ({ transports }: Law, { transport }: Combination): boolean =>
  transports?.includes(transport) ?? true

/** What it failed with: a promise that nobody looks at yet must not reject. */
const settled = (run: Promise<void>): Promise<unknown> =>
  run.then(
    () => undefined,
    (error: unknown) => error,
  )
