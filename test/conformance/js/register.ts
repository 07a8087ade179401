/** Registers the laws of a host as tests, for every combination. */
import { afterAll, beforeAll, describe, it } from '@jest/globals'
import { combinations, type Combination } from './combinations.js'
import { chapters } from './laws/index.js'
import { leakCheck } from '@natter/testing'
import { startStage, type Stage } from './stage.js'
import type { Law } from './world.js'

export interface Host {
  readonly name: string
  readonly gateways: number
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

const nameOf = ({ transport, encoding }: Combination): string => `${transport} and ${encoding}`

/** A law alone takes far less; with all that wait for clocks side by side, on a busy machine, one may. */
const timeoutMs = 30_000

export function registerLaws(host: Host): void {
  describe(host.name, () => {
    let stage: Stage
    let runner: Runner
    let expectNoLeaks: ReturnType<typeof leakCheck>
    const run = (law: Law, combination: Combination): Promise<void> => runner.run(law, combination, stage)
    const waiting = new Map<Law, Map<Combination, Promise<unknown>>>()

    beforeAll(async () => {
      expectNoLeaks = leakCheck()
      runner = await host.start()
      stage = await startStage({ gateways: host.gateways, allowedOrigins: runner.origin ?? '' })
    }, 60_000)

    afterAll(async () => {
      await runner.stop()
      await stage.stop()
      await expectNoLeaks()
    }, 30_000)

    const fits = (law: Law, { transport }: Combination): boolean =>
      (host.isFor?.(law) ?? true) && (law.transports?.includes(transport) ?? true)
    const all = chapters.flatMap(({ laws }) => laws)

    /** Laws that wait for clocks have all been started when the first of them is asked for. */
    const startWaiting = (): void => {
      for (const law of all.filter(({ isSlow }) => isSlow)) {
        const runs = combinations
          .filter((combination) => fits(law, combination))
          .map((combination) => [combination, settled(run(law, combination))] as const)
        waiting.set(law, new Map(runs))
      }
    }

    describe.each(combinations.map((combination) => [nameOf(combination), combination] as const))(
      '%s',
      (_, combination) => {
        for (const { name, laws } of chapters) {
          const own = laws.filter((law) => fits(law, combination) && !law.isSlow)
          if (own.length > 0)
            describe(name, () => {
              it.each(own.map((law) => [law.title, law] as const))(
                '%s',
                (_title, law) => run(law, combination),
                timeoutMs,
              )
            })
        }
      },
    )

    describe('with clocks', () => {
      const slow = combinations.flatMap((combination) =>
        all
          .filter((law) => law.isSlow && fits(law, combination))
          .map((law) => [nameOf(combination), law.title, combination, law] as const),
      )
      it.each(slow)(
        '%s: %s',
        async (_, _title, combination, law) => {
          if (waiting.size === 0) startWaiting()
          const failure = await waiting.get(law)?.get(combination)
          if (failure !== undefined) throw failure
        },
        timeoutMs,
      )
    })
  })
}

/** What it failed with: a promise that nobody looks at yet must not reject. */
const settled = (run: Promise<void>): Promise<unknown> =>
  run.then(
    () => undefined,
    (error: unknown) => error,
  )
