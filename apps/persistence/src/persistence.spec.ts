import { afterEach, describe, expect, it } from '@jest/globals'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { InvalidError } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import { away, BadArchive } from '../test/bad-archive.js'
import { defaults, namespaces, recorded, turns } from '../test/harness.js'
import { LagAlarm } from './lag-alarm.js'
import { Persistence } from './persistence.js'

const hourMs = 3_600_000

describe('the persistence app', () => {
  let persistence: Persistence | undefined

  afterEach(async () => {
    await persistence?.stop()
    persistence = undefined
  })

  function started(archive = new BadArchive()) {
    const clock = new ManualClock(Date.now())
    const broker = new MemoryBroker(new MemoryMesh(), clock)
    const { events, told } = recorded()
    const toJson = (): undefined => {}
    persistence = new Persistence({ archive, broker, namespaces, toJson, clock, events, options: defaults })
    const pass = async (ms: number): Promise<void> => {
      await clock.advanceAsync(ms)
      await turns(5)
    }
    return { clock, broker, archive, told, persistence, pass }
  }

  it('tries until the store is there, and archives nothing before it has its tables', async () => {
    const archive = new BadArchive()
    const asked: string[] = []
    let failures = 3
    archive.fault = (operation) => {
      asked.push(operation)
      failures -= 1
      if (failures > 0) throw away()
    }
    const { pass, told, persistence: one } = started(archive)
    one.start()
    await pass(100)
    expect([asked, one.isReady]).toEqual([['migrate'], false])
    await pass(10_000)
    expect(asked.slice(0, 4)).toEqual(['migrate', 'migrate', 'migrate', 'claim'])
    expect(told.map(({ name }) => name).slice(0, 3)).toEqual([
      'archive:migrate:failed',
      'archive:migrate:failed',
      'archive:ready',
    ])
    expect(one.isReady).toBe(true)
  })

  it('ends at once while it waits for the store', async () => {
    const archive = new BadArchive()
    archive.fault = () => {
      throw away()
    }
    const { clock, pass, persistence: one } = started(archive)
    one.start()
    await pass(5_000)
    await one.stop()
    expect(clock.pendingTimers).toBe(0)
  })

  it('does not wait for what time does not cure: an archive of a newer build', async () => {
    const archive = new BadArchive()
    archive.fault = () => {
      throw new InvalidError('archive-too-new', 'A newer build was here')
    }
    const { persistence: one } = started(archive)
    one.start()
    await expect(one.stop()).rejects.toMatchObject({ code: 'archive-too-new' })
    persistence = undefined
  })

  it('drops old days of the namespaces that have an end, and of no other, every hour', async () => {
    const { clock, archive, pass, persistence: one } = started()
    const startMs = clock.now()
    one.start()
    await pass(100)
    const first = { namespace: 'kept', olderThanMs: startMs - 2 * 86_400_000 }
    expect(archive.forgotten).toEqual([first])
    await pass(hourMs)
    expect(archive.forgotten).toEqual([first, { ...first, olderThanMs: first.olderThanMs + hourMs }])
  })

  it('drops nothing while the archive is another mesh’s: that one may keep its days for longer', async () => {
    const { archive, pass, told, persistence: one } = started()
    archive.owner = 'another'
    one.start()
    await pass(2_000)
    expect(archive.forgotten).toEqual([])
    expect(told.map(({ name }) => name)).toContain('archive:foreign')
    archive.owner = undefined
    await pass(hourMs)
    expect(archive.forgotten).toHaveLength(1)
  })

  it('goes on after a day could not be dropped', async () => {
    const { archive, pass, told, persistence: one } = started()
    archive.fault = (operation) => {
      if (operation === 'forget') throw away()
    }
    one.start()
    await pass(100)
    archive.fault = () => {}
    await pass(hourMs)
    expect(archive.forgotten).toHaveLength(1)
    expect(told.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['archive:forget:failed', 'archive:forget']),
    )
  })
})

describe('the alarm for what waits too long', () => {
  const status = { stream: 'S', isWriter: true, checkpointSeq: 1, isLagKnown: true, lagMessages: 5 }

  it('is told at once, then once a minute, and its end once', () => {
    const clock = new ManualClock()
    const { events, told } = recorded()
    const alarm = new LagAlarm(30_000, clock, events)
    for (let second = 0; second < 200; second += 1) {
      alarm.look({ ...status, lagSeconds: second < 180 ? second : 0 })
      clock.advance(1_000)
    }
    expect(told.map(({ name, payload }) => [name, payload['seconds']])).toEqual([
      ['stream:behind', 30],
      ['stream:behind', 90],
      ['stream:behind', 150],
      ['stream:caught-up', 150],
    ])
  })

  it('ends without a word where the right went to another process: nobody here knows that it caught up', () => {
    const clock = new ManualClock()
    const { events, told } = recorded()
    const alarm = new LagAlarm(30_000, clock, events)
    alarm.look({ ...status, lagSeconds: 40 })
    alarm.look({ ...status, isWriter: false, isLagKnown: false, lagMessages: 0, lagSeconds: 0 })
    alarm.look({ ...status, lagSeconds: 0 })
    expect(told.map(({ name }) => name)).toEqual(['stream:behind'])
    alarm.look({ ...status, lagSeconds: 40 })
    expect(told.map(({ name }) => name)).toEqual(['stream:behind', 'stream:behind'])
  })
})
