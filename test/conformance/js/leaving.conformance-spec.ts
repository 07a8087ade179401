import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { leakCheck } from '@natter/testing'
import { combinations } from './combinations.js'
import type { Watched } from './client.js'
import { openWorld, type OpenWorld } from './node-world.js'
import { startStage, type Stage } from './stage.js'

const count = 300

/** A reader of each kind, while somebody publishes without pause. */
describe('the official JavaScript SDK, while gateways leave', () => {
  let stage: Stage
  let worlds: OpenWorld[] = []
  let expectNoLeaks: ReturnType<typeof leakCheck>

  beforeAll(async () => {
    expectNoLeaks = leakCheck(5_000)
    stage = await startStage({ gateways: 3 })
    worlds = await Promise.all(combinations.map((combination) => openWorld(combination, stage)))
  }, 60_000)

  afterAll(async () => {
    await Promise.all(worlds.map(({ close }) => close()))
    await stage.stop()
    await expectNoLeaks()
  }, 60_000)

  it('[7.5] misses and doubles nothing over any transport, when one is stopped and another killed: a third has it all', async () => {
    const channel = 'room:leaving'
    // three of a kind, so that each gateway has somebody of each
    const readers: Watched[] = []
    for (const { world } of worlds)
      for (let n = 0; n < 3; n += 1) {
        const client = world.client()
        await client.connect()
        readers.push(await client.subscribe(channel))
      }
    const server = worlds[0]?.world.server
    const publishing = (async () => {
      for (let n = 0; n < count; n += 1) await server?.publish(channel, n)
    })()
    const slowest = (so: number): Promise<unknown> =>
      Promise.all(readers.map(({ publications }) => publications.atLeast(so, 30_000)))
    await slowest(30)
    const stopped = stage.endGateway(0, 'SIGTERM')
    await slowest(100)
    await stage.endGateway(1, 'SIGKILL')
    await Promise.all([stopped, publishing])
    await slowest(count)
    const expected = Array.from({ length: count }, (_, n) => n)
    for (const { publications } of readers)
      expect(publications.entries.map(({ data }) => data)).toEqual(expected)
    const again = readers.flatMap(({ subscribed }) => subscribed.entries.slice(1))
    expect(again.length).toBeGreaterThanOrEqual(readers.length / 3)
    expect(again.filter(({ wasRecovering, recovered }) => !wasRecovering || !recovered)).toEqual([])
  }, 60_000)
})
