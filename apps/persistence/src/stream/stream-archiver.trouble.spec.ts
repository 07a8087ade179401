/** Stores and servers that are away, hang, or fail in ways that nobody foresaw. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { away } from '../../test/bad-archive.js'
import { disturb } from '../../test/disturb.js'
import { turns, World } from '../../test/harness.js'

describe('trouble', () => {
  it('Postgres away: the lag grows, and everything is carried over when it is back', async () => {
    const world = await World.running()
    world.archive.fault = () => {
      throw away()
    }
    await world.publish('kept:a', ...'abcdefgh')
    await world.pass(60_000)
    const { lagMessages, lagSeconds } = world.archiver.status
    expect(lagMessages).toBe(8)
    expect(lagSeconds).toBeGreaterThan(50)
    world.archive.fault = () => {}
    await world.pass(10_000)
    expect(world.archived()).toHaveLength(8)
    expect(world.archiver.status).toMatchObject({ lagMessages: 0, lagSeconds: 0, checkpointSeq: 8 })
    await world.stop()
  })

  it('Postgres away: what waits is counted anew meanwhile, in messages behind the checkpoint and seconds of the oldest', async () => {
    const world = await World.running('one', 'two', 'three')
    world.archive.fault = () => {
      throw away()
    }
    await world.publish('kept:a', ...'abcd')
    await world.pass(30_000)
    await world.publish('kept:a', ...'efgh')
    await world.pass(30_000)
    const { lagMessages, lagSeconds } = world.archiver.status
    expect(lagMessages).toBe(8)
    expect(lagSeconds).toBeGreaterThan(50)
    expect(lagSeconds).toBeLessThan(70)
    await world.stop()
  })

  it('a batch that is written ends the growing pauses: the next trouble is tried again soon', async () => {
    const world = await World.running()
    const trouble = async (): Promise<unknown> => {
      world.told.splice(0)
      world.archive.fault = () => {
        throw away()
      }
      await world.publish('kept:a', 'one')
      await world.pass(20_000)
      world.archive.fault = () => {}
      await world.publish('kept:a', ...'abcdefghijklmnopqrst')
      await world.pass(5_500)
      return world.tales('stream:fail')[0]?.['retryMs']
    }
    await trouble()
    expect(await trouble()).toBeLessThanOrEqual(200)
    await world.stop()
  })

  it('is told once for each kind of failure, and when it is over: an hour without Postgres is not a thousand warnings', async () => {
    const world = await World.running()
    world.archive.fault = () => {
      throw away()
    }
    await world.publish('kept:a', 'one')
    await world.pass(30_000)
    world.archive.fault = () => {
      throw new TypeError('a bug')
    }
    await world.pass(30_000)
    expect(world.tales('stream:fail').length).toBeGreaterThan(10)
    expect(world.tales('stream:fail').filter(({ isNew }) => isNew)).toHaveLength(2)
    expect(world.tales('stream:recover')).toEqual([])
    world.archive.fault = () => {}
    await world.pass(10_000)
    expect(world.tales('stream:recover')).toMatchObject([{ failures: world.tales('stream:fail').length }])
    world.archive.cut()
    world.archive.fault = (operation) => {
      world.archive.fault = () => {}
      if (operation === 'claim') throw away()
    }
    await world.pass(10_000)
    expect(world.tales('stream:fail').filter(({ isNew }) => isNew)).toHaveLength(3)
    expect(world.tales('stream:recover')).toHaveLength(2)
    await world.stop()
  })

  it('a write whose answer was lost is not repeated: the stored checkpoint is looked at', async () => {
    const world = await World.running()
    world.archive.fault = (operation) => {
      if (operation !== 'written') return
      world.archive.fault = () => {}
      throw away()
    }
    await world.publish('kept:a', 'one', 'two')
    await world.pass(10_000)
    expect(world.archived()).toEqual(['1:one', '2:two'])
    await world.stop()
  })

  it('an error that nobody foresaw is tried again like any other', async () => {
    const world = new World()
    await world.publish('kept:a', 'one')
    let failures = 3
    world.archive.fault = () => {
      failures -= 1
      if (failures > 0) throw new TypeError('a bug')
    }
    world.run()
    await world.pass(20_000)
    expect(world.archived()).toEqual(['1:one'])
    await world.stop()
  })

  it('stop finishes the batch under way, gives the right back and reads no more', async () => {
    const world = new World()
    await world.publish('kept:a', 'one')
    let finish = (): void => {}
    world.archive.fault = (operation) =>
      operation === 'write' ? new Promise((resolve) => (finish = resolve)) : undefined
    world.run()
    await world.pass(500)
    const stopped = world.stop()
    await turns(5)
    finish()
    await stopped
    expect(world.archived()).toEqual(['1:one'])
    expect(world.tales('stream:release')).toHaveLength(1)
    expect(world.clock.pendingTimers).toBe(0)
  })

  it('restarted at any moment, failing in any way: each publication is archived once, in order', async () => {
    const action = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 7 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('pass' as const), count: fc.integer({ min: 1, max: 20 }) }),
      },
      {
        arbitrary: fc.record({
          do: fc.constantFrom('restart', 'cut', 'nats', 'lose-answer', 'fail-write'),
        }),
        weight: 3,
      },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 25, size: 'max' }),
        fc.integer({ min: 1, max: 6 }),
        async (actions, batchMessages) => {
          const world = new World({ batchMessages })
          let count = 0
          world.run()
          for (const step of actions) {
            if (step.do === 'publish') {
              const texts = Array.from({ length: step.count }, () => String((count += 1)))
              await world.publish('kept:a', ...texts)
            } else if (step.do === 'pass') await world.pass(step.count * 50)
            else await disturb(world, step.do)
          }
          world.archive.fault = () => {}
          await world.pass(30_000)
          await world.stop()
          expect(world.archived()).toEqual(Array.from({ length: count }, (_, i) => `${i + 1}:${i + 1}`))
          expect(world.archive.gaps).toEqual([])
        },
      ),
      { numRuns: 40 },
    )
  })
})
