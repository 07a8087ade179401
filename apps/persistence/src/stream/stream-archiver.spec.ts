import { describe, expect, it, jest } from '@jest/globals'
import { UnavailableError } from '@natter/primitives'
import fc from 'fast-check'
import { away } from '../../test/bad-archive.js'
import { turns, World } from '../../test/harness.js'
import { digestOf } from './verdict.js'

const hotFor = 3_600_000

describe('what of a stream gets into the archive', () => {
  it('is each publication, once, in order, with its bytes and its metadata as they came', async () => {
    const world = new World()
    await world.publish('kept:a', 'one', 'two')
    world.run()
    await world.pass(500)
    await world.publish('kept:b', 'three')
    await world.pass(2_000)
    await world.stop()
    expect(world.archived()).toEqual(['1:one', '2:two', '3:three'])
    expect(world.archive.rows.map(({ timeNs, meta }) => [timeNs, meta])).toEqual(
      world.kept.map(({ timeNs, meta }) => [timeNs, meta]),
    )
  })

  it('leaves out what is kept in the stream alone, and passes it', async () => {
    const world = new World()
    await world.publish('plain:a', 'one')
    await world.publish('kept:a', 'two')
    await world.publish('plain:a', 'three')
    world.run()
    await world.pass(500)
    expect(world.archived()).toEqual(['2:two'])
    expect(world.archive.stored?.seq).toBe(3)
    await world.stop()
  })

  it('holds a namespace that nobody configured, because what was stored as durable must not get lost, and tells it once', async () => {
    const world = new World()
    await world.publish('elsewhere:a', 'one', 'two')
    world.run()
    await world.pass(500)
    expect(world.archived()).toEqual(['1:one', '2:two'])
    expect(world.tales('namespace:unknown')).toEqual([{ namespace: 'elsewhere' }])
    await world.stop()
  })

  it('has bytes where the publisher said nothing of JSON, and JSON only where the namespace asks for it', async () => {
    const world = new World()
    const { subject } = world.broker.route('asked', 'asked:a')
    await world.broker.log.append(subject, Buffer.from('{}'))
    await world.publish('asked:a', '{}')
    await world.publish('kept:a', '{}')
    world.run()
    await world.pass(500)
    expect(world.archive.rows.map(({ kind, json, meta }) => [kind, json, meta])).toEqual([
      ['bin', undefined, ''],
      ['json', '{}', '{"k":"json"}'],
      ['json', undefined, '{"k":"json"}'],
    ])
    await world.stop()
  })

  it('goes on behind a publication that the store refuses, because no client may stop a stream', async () => {
    const world = new World()
    world.archive.refuses = ({ seq }) => seq === 2
    await world.publish('kept:a', 'one', 'two', 'three')
    world.run()
    await world.pass(500)
    expect(world.archived()).toEqual(['1:one', '3:three'])
    expect(world.tales('publication:dead-letter')).toMatchObject([{ seq: 2 }])
    expect(world.tales('batch:write')).toMatchObject([{ archived: 2, skipped: 0 }])
    await world.stop()
  })

  it('says which messages were evicted before they could be read', async () => {
    const world = new World({}, { maxCount: 3 })
    await world.publish('kept:a', ...'abcdefgh')
    world.run()
    await world.pass(500)
    expect(world.archived()).toEqual(['6:f', '7:g', '8:h'])
    expect(world.archive.gaps).toMatchObject([{ from: 1, to: 5, reason: 'evicted' }])
    await world.stop()
  })

  it('calls nothing missing where only archived messages were evicted', async () => {
    const world = new World({}, { maxCount: 3 })
    world.run()
    for (const text of 'abcdefgh') {
      await world.publish('kept:a', text)
      await world.pass(1_500)
    }
    await world.stop()
    expect(world.archive.gaps).toEqual([])
    expect(world.archived()).toHaveLength(8)
  })
})

describe('at most two batches in memory', () => {
  it('one page is read ahead of a write that takes its time, and no more', async () => {
    const world = new World({ batchMessages: 2 })
    await world.publish('kept:a', ...'abcdefghij')
    const reads = jest.spyOn(world.broker.log, 'readStream')
    let finish = (): void => {}
    world.archive.fault = (operation) =>
      operation === 'write' ? new Promise((resolve) => (finish = resolve)) : undefined
    world.run()
    await world.pass(5_000)
    expect(reads.mock.calls.map(([, { from }]) => from)).toEqual([1, 3])
    finish()
    await world.pass(1_000)
    expect(reads.mock.calls.map(([, { from }]) => from)).toEqual([1, 3, 5])
    world.archive.fault = () => {}
    finish()
    await world.pass(1_000)
    await world.stop()
    expect(world.archived()).toHaveLength(10)
  })
})

describe('the right to write', () => {
  it('is asked for again and again while somebody else has it, and nothing is read meanwhile', async () => {
    const world = new World()
    const other = await world.archive.acquire(world.stream)
    await world.publish('kept:a', 'one')
    world.run()
    await world.pass(10_000)
    expect([world.archived(), world.archiver.status.isWriter]).toEqual([[], false])
    await other?.release()
    await world.pass(3_000)
    expect([world.archived(), world.archiver.status.isWriter]).toEqual([['1:one'], true])
    await world.stop()
    expect(await world.archive.acquire(world.stream)).toBeDefined()
  })

  it('tells what is stored who lost it to somebody else: neither a lag of long ago nor none while that one hangs', async () => {
    const world = new World()
    await world.publish('kept:a', 'one')
    world.run()
    await world.pass(500)
    world.archive.cut()
    const other = await world.archive.acquire(world.stream)
    await world.publish('kept:a', 'two', 'three')
    await world.pass(60_000)
    const { status } = world.archiver
    expect(status).toMatchObject({ isWriter: false, checkpointSeq: 1, isLagKnown: true, lagMessages: 2 })
    expect(status.lagSeconds).toBeGreaterThan(50)
    world.archive.stored = { ...world.archive.stored!, seq: 3 }
    await world.pass(3_000)
    expect(world.archiver.status).toMatchObject({ checkpointSeq: 3, lagMessages: 0, lagSeconds: 0 })
    await other?.release()
    await world.stop()
  })

  it('who may not write because the archive is another mesh’s tells how much waits: everything', async () => {
    const world = new World()
    world.archive.owner = 'another'
    await world.publish('kept:a', 'one', 'two')
    world.run()
    await world.pass(40_000)
    const { status } = world.archiver
    expect(status).toMatchObject({ isWriter: false, checkpointSeq: 0, isLagKnown: true, lagMessages: 2 })
    expect(status.lagSeconds).toBeGreaterThan(30)
    await world.stop()
  })

  it('says nothing of the archive either who gave it up because it has no way to NATS: another one carries on', async () => {
    const world = new World()
    let isAway = false
    world.archive.fault = (operation) => {
      if (isAway && operation === 'write') throw away()
    }
    world.run()
    await world.pass(500)
    isAway = true
    await world.publish('kept:a', 'one')
    await world.pass(8_000)
    expect(world.archiver.status).toMatchObject({ isLagKnown: true, lagMessages: 1 })
    isAway = false
    world.broker.disconnect()
    await world.pass(60_000)
    expect(world.archiver.status).toMatchObject({ isWriter: false, isLagKnown: false, lagSeconds: 0 })
    world.broker.reconnect()
    await world.pass(5_000)
    expect(world.archived()).toEqual(['1:one'])
    expect(world.archiver.status).toMatchObject({ isWriter: true, isLagKnown: true, lagSeconds: 0 })
    await world.stop()
  })

  it('is given back by who was overtaken: what it read on is stale, and the stored checkpoint counts', async () => {
    const world = new World()
    await world.publish('kept:a', 'one')
    world.run()
    await world.pass(500)
    await world.publish('kept:a', 'two', 'three')
    const row = {
      ...world.kept[1]!,
      namespace: 'kept',
      channel: 'kept:a',
      kind: 'json' as const,
      data: Buffer.from('two'),
    }
    world.archive.rows.push({ ...row, meta: '', epoch: world.broker.epochOf(world.stream) })
    world.archive.stored = {
      ...world.archive.stored!,
      seq: 2,
      timeNs: row.timeNs,
      digest: digestOf(Buffer.from('two')),
    }
    await world.pass(10_000)
    expect(world.archived()).toEqual(['1:one', '2:two', '3:three'])
    expect(world.tales('stream:fail')).toHaveLength(1)
    expect(world.tales('stream:acquire')).toHaveLength(2)
    await world.stop()
  })

  it('is not asked for while another mesh has the archive, so that its own processes find it free', async () => {
    const world = new World()
    const asked: string[] = []
    world.archive.fault = (operation) => void asked.push(operation)
    world.archive.owner = 'another'
    await world.publish('kept:a', 'one')
    world.run()
    await world.pass(20_000)
    expect(new Set(asked)).toEqual(new Set(['claim']))
    world.archive.owner = undefined
    await world.pass(5_000)
    expect(world.archived()).toEqual(['1:one'])
    await world.stop()
  })

  it('is given back where NATS was replaced under us: it is another mesh, and the archive may not be its', async () => {
    const world = new World()
    await world.publish('kept:a', 'one')
    world.run()
    await world.pass(500)
    world.archive.owner = world.broker.meshId
    world.mesh.wipe()
    world.mesh.topology = { ...world.mesh.topology, id: 'another' }
    world.mesh.verify()
    await world.publish('kept:a', 'ONE', 'TWO')
    await world.pass(10_000)
    expect([world.archived(), world.archiver.status.isWriter]).toEqual([[], false])
    world.archive.owner = undefined
    await world.pass(5_000)
    expect(world.archived()).toEqual(['1:ONE', '2:TWO'])
    await world.stop()
  })

  it('is kept while NATS is away: nobody else could read either', async () => {
    const world = new World()
    world.run()
    await world.pass(500)
    world.broker.disconnect()
    await world.pass(20_000)
    world.broker.reconnect()
    await world.publish('kept:a', 'one')
    await world.pass(2_000)
    expect(world.archived()).toEqual(['1:one'])
    expect(world.tales('stream:acquire')).toHaveLength(1)
    await world.stop()
  })

  it('is given to another process when NATS stays away: the way to NATS may be broken for this one alone', async () => {
    const world = new World()
    world.run()
    await world.pass(500)
    world.broker.disconnect()
    await world.pass(40_000)
    const other = await world.archive.acquire(world.stream)
    expect(other).toBeDefined()
    await other?.release()
    await world.pass(60_000)
    const asked = world.tales('stream:acquire').length + world.tales('stream:release').length
    expect(asked).toBe(2) // not asked for again while there is nothing that could be read
    world.broker.reconnect()
    await world.publish('kept:a', 'one')
    await world.pass(5_000)
    expect(world.archived()).toEqual(['1:one'])
    await world.stop()
  })

  it('is asked for anew when its connection is cut', async () => {
    const world = new World()
    world.run()
    await world.pass(500)
    world.archive.cut()
    await world.publish('kept:a', 'one')
    await world.pass(5_000)
    expect(world.archived()).toEqual(['1:one'])
    expect(world.tales('stream:acquire')).toHaveLength(2)
    await world.stop()
  })
})

describe('whether the stream is still the one', () => {
  it('is asked of its leader before anything is read, at each start', async () => {
    const world = new World()
    await world.publish('kept:a', 'one')
    world.run()
    await world.pass(500)
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
    const world = new World()
    await world.publish('kept:a', 'one', 'two', 'three')
    world.run()
    await world.pass(500)
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
    const world = new World()
    await world.publish('kept:a', 'one', 'two', 'three')
    world.run()
    await world.pass(500)
    const before = world.broker.epochOf(world.stream)
    world.mesh.rollBack(world.stream, 2)
    await world.pass(5_000)
    expect(world.broker.epochOf(world.stream)).not.toBe(before)
    expect(world.archived()).toEqual(['1:one', '2:two'])
    await world.stop()
  })

  it('no epoch ends for one bad look: it costs every client its place', async () => {
    const world = new World()
    await world.publish('kept:a', 'one', 'two')
    world.run()
    await world.pass(500)
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
    const world = new World()
    await world.publish('kept:a', 'one', 'two')
    world.run()
    await world.pass(500)
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
    const world = new World()
    await world.publish('kept:a', 'one', 'two')
    world.run()
    await world.pass(500)
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
      const world = new World()
      await world.publish('kept:a', 'one', 'two', 'three')
      world.run()
      await world.pass(500)
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
    const world = new World()
    await world.publish('kept:a', 'one')
    world.run()
    await world.pass(500)
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

describe('trouble', () => {
  it('Postgres away: the lag grows, and everything is carried over when it is back', async () => {
    const world = new World()
    world.run()
    await world.pass(500)
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
    const world = new World()
    await world.publish('kept:a', 'one', 'two', 'three')
    world.run()
    await world.pass(500)
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
    const world = new World()
    world.run()
    await world.pass(500)
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
    const world = new World()
    world.run()
    await world.pass(500)
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
    const world = new World()
    world.run()
    await world.pass(500)
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
        fc.array(action, { maxLength: 25 }),
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

async function disturb(world: World, how: string): Promise<void> {
  if (how === 'restart') {
    await world.stop()
    world.another()
    world.run()
  }
  if (how === 'cut') world.archive.cut()
  if (how === 'nats') {
    world.broker.disconnect()
    await world.pass(100)
    world.broker.reconnect()
  }
  const point = { 'lose-answer': 'written', 'fail-write': 'write' }[how]
  if (point === undefined) return
  world.archive.fault = (operation) => {
    if (operation !== point) return
    world.archive.fault = () => {}
    throw how === 'lose-answer' ? away() : new UnavailableError('archive-away', 'refused')
  }
}

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
        fc.array(action, { maxLength: 25 }),
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
    const world = new World({ hotForMs: hotFor }, refusing)
    await world.publish('kept:a', ...'abcd')
    world.run()
    await world.pass(30_000)
    expect(world.tales('stream:purge')).toEqual([])
    world.clock.advance(hotFor)
    await world.publish('kept:a', ...'efgh')
    const young = world.kept.slice(4).map((message) => message.seq)
    for (const message of world.kept.slice(4)) message.timeNs += BigInt(hotFor) * 1_000_000n
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
