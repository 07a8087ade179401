/** What is taken out of a stream because the archive has it. */
import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { disturb } from '../../test/disturb.js'
import { World } from '../../test/harness.js'

describe('what makes room', () => {
  const refusing = { onFull: 'refuse', maxBytes: 1_000_000 } as const

  it('a purge never passes a publication that is not archived, whatever hot_for is and whatever happens', async () => {
    const action = fc.oneof(
      fc.record({ do: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ do: fc.constant('pass' as const), count: fc.integer({ min: 1, max: 400 }) }),
      fc.record({ do: fc.constantFrom('cut', 'nats', 'lose-answer', 'fail-write', 'wipe', 'roll-back') }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 25, size: 'max' }),
        fc.constantFrom(0, 5_000),
        async (actions, hotForMs) => {
          const world = new World({ hotForMs, batchMessages: 3 }, refusing)
          const { log } = world.broker
          const real = log.purge.bind(log)
          let lost = 0
          let count = 0
          jest.spyOn(log, 'purge').mockImplementation(async (stream, before) => {
            const stamps = new Set(
              world.archive.rows.map(({ seq, timeNs, data }) => `${seq} ${timeNs} ${String(data)}`),
            )
            for (const { seq, timeNs, body } of world.kept)
              if (seq < before && !stamps.has(`${seq} ${timeNs} ${String(body)}`)) lost += 1
            return await real(stream, before)
          })
          world.run()
          for (const step of actions) {
            if (step.do === 'publish')
              await world.publish('kept:a', ...Array.from({ length: step.count }, () => `${(count += 1)}`))
            else if (step.do === 'pass') await world.pass(step.count * 50)
            else if (step.do === 'roll-back') {
              // a server doesn't get an older disk without a restart, which every client sees
              world.broker.disconnect()
              world.mesh.rollBack(world.stream, Math.floor(world.mesh.stateOf(world.stream).lastSeq / 2))
              await world.pass(100)
              world.broker.reconnect()
            } else if (step.do === 'wipe') {
              world.mesh.wipe()
              world.mesh.verify()
            } else await disturb(world, step.do)
          }
          world.archive.fault = () => {}
          await world.pass(25_000)
          await world.stop()
          expect(lost).toBe(0)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('is what is archived and older than hot_for, and the message at the checkpoint stays as the proof', async () => {
    const world = new World({ hotForMs: 0 }, refusing)
    await world.publish('kept:a', ...'abcdefgh')
    world.run()
    await world.pass(11_000)
    expect(world.kept.map(({ seq }) => seq)).toEqual([8])
    expect(world.archived()).toHaveLength(8)
    await world.publish('kept:a', 'i')
    await world.pass(2_000)
    await world.stop()
    world.another()
    world.run()
    await world.pass(2_000)
    expect(world.tales('stream:verify')).toMatchObject([{ verdict: 'same' }])
    expect(world.archive.gaps).toEqual([])
    await world.stop()
  })

  it('leaves what is younger than hot_for', async () => {
    const hotForMs = 3_600_000
    const world = new World({ hotForMs }, refusing)
    await world.publish('kept:a', ...'abcd')
    world.run()
    await world.pass(30_000)
    expect(world.tales('stream:purge')).toEqual([])
    world.clock.advance(hotForMs)
    await world.publish('kept:a', ...'efgh')
    const young = world.kept.slice(4).map((message) => message.seq)
    for (const message of world.kept.slice(4)) message.timeNs += BigInt(hotForMs) * 1_000_000n
    await world.pass(30_000)
    expect(world.kept.map(({ seq }) => seq)).toEqual(young)
    await world.stop()
  })

  it('is looked for sooner in a stream that is nearly full', async () => {
    const world = new World({ hotForMs: 0 }, { onFull: 'refuse', maxBytes: 10 })
    world.run()
    await world.pass(300)
    await world.publish('kept:a', ...'abcdefgh')
    await world.pass(3_000)
    expect(world.kept).toHaveLength(1)
    await world.stop()
  })

  it('is left to the stream where it forgets by itself', async () => {
    const world = new World({ hotForMs: 0 }, { onFull: 'forget', maxBytes: 1_000 })
    await world.publish('kept:a', ...'abcd')
    world.run()
    await world.pass(30_000)
    expect(world.kept).toHaveLength(4)
    await world.stop()
  })
})
