import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { World } from '../../test/harness.js'
import { Purger } from './purger.js'
import { digestOf } from './verdict.js'

async function filled(count: number, hotForMs = 0) {
  const world = new World({}, { onFull: 'refuse', maxBytes: 1_000_000 })
  await world.publish('kept:a', ...Array.from({ length: count }, (_, i) => `${i}`))
  const purger = new Purger({ stream: world.stream, log: world.broker.log, clock: world.clock, hotForMs })
  const checkpointAt = (seq: number) => {
    const { timeNs, body } = world.kept.find((message) => message.seq === seq)!
    return { epoch: 'now', seq, timeNs, digest: digestOf(body), rolling: 0 }
  }
  return { world, purger, checkpointAt, state: () => world.mesh.stateOf(world.stream) }
}

describe('a purge', () => {
  it('of a stream that was wiped and filled anew since it was looked at takes nothing: none of it is archived', async () => {
    const { world, purger, checkpointAt, state } = await filled(8)
    const [checkpoint, seen] = [checkpointAt(8), state()]
    world.mesh.wipe()
    world.mesh.verify()
    await world.publish('kept:a', ...'abcdefghijkl')
    expect(await purger.purge(checkpoint, seen)).toEqual({ is: 'doubtful' })
    expect(world.kept).toHaveLength(12)
  })

  it('still makes room where somebody removed the message at the checkpoint: else a full stream would refuse for good', async () => {
    const { world, purger, checkpointAt, state } = await filled(8)
    const [checkpoint, seen] = [checkpointAt(6), state()]
    const stream = world.mesh.stream(world.stream)
    stream.messages = stream.messages.filter(({ seq }) => seq !== 6)
    expect(await purger.purge(checkpoint, seen)).toMatchObject({ is: 'purged', before: 6, messages: 5 })
  })

  it('but not where the stream ends before it, or was made anew', async () => {
    const { world, purger, checkpointAt, state } = await filled(8)
    const [checkpoint, seen] = [checkpointAt(8), state()]
    world.mesh.rollBack(world.stream, 5)
    expect(await purger.purge(checkpoint, seen)).toEqual({ is: 'doubtful' })
    world.mesh.wipe()
    world.mesh.verify()
    await world.publish('kept:a', ...'abcdefghij')
    const stream = world.mesh.stream(world.stream)
    stream.messages = stream.messages.filter(({ seq }) => seq !== 8)
    world.clock.advance(60_000)
    expect(await purger.purge(checkpoint, seen)).toEqual({ is: 'doubtful' })
    expect(world.kept).toHaveLength(9)
  })

  it('is looked for once a second where the stream is full, however often it is asked for: each costs the leader', async () => {
    const { world, purger, checkpointAt, state } = await filled(8)
    const seen = { ...state(), bytes: 990_000 }
    const purges = jest.spyOn(world.broker.log, 'purge')
    for (let ms = 0; ms < 1_000; ms += 100) {
      await purger.purge(checkpointAt(8), seen)
      world.clock.advance(100)
    }
    expect(purges).toHaveBeenCalledTimes(1)
    await purger.purge(checkpointAt(8), seen)
    expect(purges).toHaveBeenCalledTimes(2)
  })

  it('takes all that is below the checkpoint and too old, and nothing else, wherever the holes are', async () => {
    const ages = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 2, maxLength: 30, size: 'max' })
    await fc.assert(
      fc.asyncProperty(ages, fc.array(fc.nat(29)), fc.nat(29), async (steps, holes, at) => {
        const { world, purger, checkpointAt, state } = await filled(steps.length, 60_000)
        let atMs = world.clock.now() - 200_000
        for (const [i, message] of world.kept.entries()) {
          atMs += (steps[i] ?? 0) * 1_000
          message.timeNs = BigInt(atMs) * 1_000_000n
        }
        const checkpoint = checkpointAt(1 + (at % steps.length))
        const stream = world.mesh.stream(world.stream)
        stream.messages = stream.messages.filter(({ seq }) => seq === checkpoint.seq || !holes.includes(seq))
        const cutoffNs = BigInt(world.clock.now() - 60_000) * 1_000_000n
        const stays = world.kept.filter(({ seq, timeNs }) => seq >= checkpoint.seq || timeNs >= cutoffNs)
        await purger.purge(checkpoint, state())
        expect(world.kept).toEqual(stays)
      }),
    )
  })
})
