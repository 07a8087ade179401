/** Who writes, and what the others say meanwhile. */
import { describe, expect, it } from '@jest/globals'
import { away } from '../../test/bad-archive.js'
import { World } from '../../test/harness.js'
import { digestOf } from './verdict.js'

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
    const world = await World.running('one')
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
    const world = await World.running('one')
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
    const world = await World.running('one')
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
    const world = await World.running()
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
    const world = await World.running()
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
    const world = await World.running()
    world.archive.cut()
    await world.publish('kept:a', 'one')
    await world.pass(5_000)
    expect(world.archived()).toEqual(['1:one'])
    expect(world.tales('stream:acquire')).toHaveLength(2)
    await world.stop()
  })
})
