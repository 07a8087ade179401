/** What the archiver of a stream takes, as what, and how much of it at a time. */
import { describe, expect, it, jest } from '@jest/globals'
import { World } from '../../test/harness.js'

describe('what of a stream gets into the archive', () => {
  it('is each publication, once, in order, with its bytes and its metadata as they came', async () => {
    const world = await World.running('one', 'two')
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
