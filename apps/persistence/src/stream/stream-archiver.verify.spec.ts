/** How the archiver knows that the stream is the one that it archived, and what follows where it is not. */
import { describe, expect, it, jest } from '@jest/globals'
import { World } from '../../test/harness.js'

describe('whether the stream is still the one', () => {
  it('is asked of its leader before anything is read, at each start', async () => {
    const world = await World.running('one')
    await world.stop()
    world.another()
    const order: string[] = []
    const { log } = world.broker
    for (const name of ['messageAt', 'readStream'] as const) {
      const real = log[name].bind(log) as (...args: unknown[]) => Promise<never>
      jest.spyOn(log, name).mockImplementation((...args: unknown[]) => {
        order.push(name)
        return real(...args)
      })
    }
    world.run()
    await world.pass(100)
    expect(order.slice(0, 2)).toEqual(['messageAt', 'readStream'])
    expect(world.tales('stream:verify')).toMatchObject([{ verdict: 'same', seq: 1 }])
    await world.stop()
  })

  it('a stream that was rolled back gets a new epoch, and is archived whole under it; the old rows stay', async () => {
    const world = await World.running('one', 'two', 'three')
    await world.stop()
    const before = world.broker.epochOf(world.stream)
    world.mesh.rollBack(world.stream, 1)
    await world.publish('kept:a', 'TWO', 'THREE', 'FOUR')
    world.another()
    world.run()
    await world.pass(5_000)
    const after = world.broker.epochOf(world.stream)
    expect(after).not.toBe(before)
    expect(world.archived(before)).toEqual(['1:one', '2:two', '3:three'])
    expect(world.archived(after)).toEqual(['1:one', '2:TWO', '3:THREE', '4:FOUR'])
    expect(world.archive.epochs.at(-1)).toEqual({ epoch: after, isLossless: false })
    await world.stop()
  })

  it('a rollback is seen without a restart, and also where nothing took the place of what was lost', async () => {
    const world = await World.running('one', 'two', 'three')
    const before = world.broker.epochOf(world.stream)
    world.mesh.rollBack(world.stream, 2)
    await world.pass(5_000)
    expect(world.broker.epochOf(world.stream)).not.toBe(before)
    expect(world.archived()).toEqual(['1:one', '2:two'])
    await world.stop()
  })

  it('no epoch ends for one bad look: it costs every client its place', async () => {
    const world = await World.running('one', 'two')
    await world.stop()
    const before = world.broker.epochOf(world.stream)
    world.another()
    const { log } = world.broker
    const wrong = { ...world.kept[1]!, timeNs: 7n }
    jest.spyOn(log, 'messageAt').mockResolvedValueOnce(wrong)
    world.run()
    await world.pass(5_000)
    expect(world.broker.epochOf(world.stream)).toBe(before)
    expect(world.tales('stream:verify')).toMatchObject([{ verdict: 'same' }])
    await world.stop()
  })

  it('a message at the checkpoint that was evicted proves nothing, and the epoch stands', async () => {
    const world = new World({}, { maxCount: 2 })
    await world.publish('kept:a', 'one', 'two')
    world.run()
    await world.pass(500)
    await world.stop()
    const before = world.broker.epochOf(world.stream)
    await world.publish('kept:a', 'three', 'four', 'five')
    world.another()
    world.run()
    await world.pass(2_000)
    expect(world.broker.epochOf(world.stream)).toBe(before)
    expect(world.tales('stream:verify')).toMatchObject([{ verdict: 'unproven' }])
    expect(world.archived()).toEqual(['1:one', '2:two', '4:four', '5:five'])
    expect(world.archive.gaps).toMatchObject([{ from: 3, to: 3, reason: 'evicted' }])
    await world.stop()
  })

  it('nothing of a stream that took the place of another is archived as that one, not even what was read ahead', async () => {
    const world = await World.running('one', 'two')
    const before = world.broker.epochOf(world.stream)
    const { log } = world.broker
    const real = log.readStream.bind(log)
    jest.spyOn(log, 'readStream').mockImplementationOnce(async (...args) => {
      world.mesh.wipe()
      world.mesh.verify()
      await world.publish('kept:a', 'ONE', 'TWO', 'THREE', 'FOUR')
      return await real(...args)
    })
    await world.pass(10_000)
    const after = world.broker.epochOf(world.stream)
    expect(after).not.toBe(before)
    expect(world.archived(before)).toEqual(['1:one', '2:two'])
    expect(world.archived(after)).toEqual(['1:ONE', '2:TWO', '3:THREE', '4:FOUR'])
    await world.stop()
  })

  it('also where nobody told that the stream was made anew: each page is asked when its stream was created', async () => {
    const world = await World.running('one', 'two')
    const before = world.broker.epochOf(world.stream)
    world.hearNothing()
    world.mesh.wipe()
    world.mesh.verify()
    await world.publish('kept:a', 'ONE', 'TWO', 'THREE', 'FOUR')
    await world.pass(10_000)
    expect(world.archived(before)).toEqual(['1:one', '2:two'])
    expect(world.archived()).toEqual(['1:ONE', '2:TWO', '3:THREE', '4:FOUR'])
    await world.stop()
  })

  it('a stream that is made anew between two looks at it is archived under its own epoch, at the first start too', async () => {
    const world = new World()
    await world.publish('kept:a', 'one', 'two')
    const before = world.broker.epochOf(world.stream)
    const { log } = world.broker
    const real = log.state.bind(log)
    jest.spyOn(log, 'state').mockImplementationOnce(async (stream) => {
      world.mesh.wipe()
      world.mesh.verify()
      await world.publish('kept:a', 'ONE', 'TWO')
      return await real(stream)
    })
    world.run()
    world.hearNothing()
    await world.pass(5_000)
    expect(world.archived(before)).toEqual([])
    expect(world.archived()).toEqual(['1:ONE', '2:TWO'])
    await world.stop()
  })

  it('a doubt that comes up while it is verified is not settled by that: it is verified once more', async () => {
    const world = new World()
    await world.publish('kept:a', 'one')
    world.archive.fault = (operation) => {
      if (operation !== 'checkpoint') return
      world.archive.fault = () => {}
      world.archiver.doubt()
    }
    world.run()
    await world.pass(1_000)
    expect(world.tales('stream:verify')).toHaveLength(2)
    expect(world.archived()).toEqual(['1:one'])
    await world.stop()
  })

  describe('after another NATS was archived in between', () => {
    /** The stream of a second mesh, archived into the same store, and how its epoch began. */
    async function elsewhere(world: World, texts: string[]): Promise<string> {
      const other = new World({}, {}, world.archive)
      await other.publish('kept:a', ...texts)
      other.run()
      await other.pass(5_000)
      await other.stop()
      return other.broker.epochOf(other.stream)
    }

    const archivedOnce = async (): Promise<{ world: World; before: string }> => {
      const world = await World.running('one', 'two', 'three')
      await world.stop()
      return { world, before: world.broker.epochOf(world.stream) }
    }

    it('the stream goes on in its own epoch, behind its checkpoint: each publication is one row, and no position is void', async () => {
      const { world, before } = await archivedOnce()
      for (const round of [1, 2]) {
        const other = await elsewhere(world, ['ONE', 'TWO'])
        expect(world.archived(other)).toEqual(['1:ONE', '2:TWO'])
        await world.publish('kept:a', `again ${round}`)
        world.another()
        world.run()
        await world.pass(5_000)
        await world.stop()
        expect(world.tales('stream:verify')).toMatchObject([
          { verdict: 'returned', epoch: before, seq: 2 + round },
        ])
      }
      expect(world.broker.epochOf(world.stream)).toBe(before)
      expect(world.archived()).toEqual(['1:one', '2:two', '3:three', '4:again 1', '5:again 2'])
      expect(world.archive.rows).toHaveLength(5 + 4)
    })

    it('it goes on too where the message to compare is gone in an orderly way', async () => {
      const { world, before } = await archivedOnce()
      await elsewhere(world, ['ONE'])
      await world.publish('kept:a', 'four')
      world.mesh.purge(world.stream, 4)
      world.another()
      world.run()
      await world.pass(5_000)
      await world.stop()
      expect(world.broker.epochOf(world.stream)).toBe(before)
      expect(world.archived()).toEqual(['1:one', '2:two', '3:three', '4:four'])
    })

    it.each([
      ['ends before its checkpoint', []],
      ['has other words there', ['THREE', 'FOUR']],
    ])('a stream that %s was rolled back: it is archived whole under a new epoch', async (_, texts) => {
      const { world, before } = await archivedOnce()
      await elsewhere(world, ['ONE'])
      world.mesh.rollBack(world.stream, 2)
      await world.publish('kept:a', ...texts)
      world.another()
      world.run()
      await world.pass(5_000)
      await world.stop()
      expect(world.broker.epochOf(world.stream)).not.toBe(before)
      expect(world.tales('stream:verify')).toMatchObject([
        { verdict: 'rolled-back', epoch: before, seq: 3 },
        { verdict: 'other-epoch' },
      ])
      expect(world.archived(before)).toEqual(['1:one', '2:two', '3:three'])
      expect(world.archived()).toEqual(['1:one', '2:two', ...texts.map((text, i) => `${i + 3}:${text}`)])
    })

    it('an epoch that an older build closed has nothing to compare: it is taken for a rollback', async () => {
      const { world, before } = await archivedOnce()
      await elsewhere(world, ['ONE'])
      world.archive.closed.clear()
      world.another()
      world.run()
      await world.pass(5_000)
      await world.stop()
      expect(world.broker.epochOf(world.stream)).not.toBe(before)
      expect(world.archived()).toEqual(['1:one', '2:two', '3:three'])
    })
  })

  it('an epoch that ends while a batch is written ends it here too', async () => {
    const world = await World.running('one')
    const before = world.broker.epochOf(world.stream)
    world.mesh.renewEpoch(world.stream, before)
    await world.publish('kept:a', 'two')
    await world.pass(5_000)
    expect(world.archived(before)).toEqual(['1:one'])
    expect(world.archived()).toEqual(['1:one', '2:two'])
    await world.stop()
  })

  it('an epoch that the archive has closed and that a restored record brings back goes on, for the stream lost nothing', async () => {
    const world = new World()
    await world.publish('kept:a', 'one')
    const old = world.mesh.topology
    world.run()
    await world.pass(500)
    world.mesh.renewEpoch(world.stream, world.broker.epochOf(world.stream))
    await world.pass(3_000)
    await world.stop()
    world.mesh.topology = old
    world.another()
    world.run()
    await world.pass(10_000)
    expect(world.archive.epochs).toHaveLength(2)
    expect(world.tales('stream:verify')).toMatchObject([{ verdict: 'returned' }])
    expect(world.archived()).toEqual(['1:one'])
    await world.stop()
  })
})
