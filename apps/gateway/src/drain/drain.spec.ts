import { describe, expect, it } from '@jest/globals'
import { TypedEvents } from '@natter/primitives'
import { ManualClock, seededRandom } from '@natter/testing'
import type { Connection } from '../connection/connection.js'
import type { GatewayEvents } from '../gateway.events.js'
import { Drain, type DrainOptions } from './drain.js'
import { Patience } from './patience.js'

interface Fake {
  n: number
  inFlight: number
  isRead: boolean
  /** What closed it, and when. */
  closed: { code: number; atMs: number } | undefined
}

/** A gateway with so many connections, and nothing else. */
function gatewayWith(count: number, options: Partial<DrainOptions> = {}) {
  const clock = new ManualClock()
  const events = new TypedEvents<GatewayEvents>()
  const told: [string, unknown][] = []
  for (const name of ['start', 'close', 'done'] as const)
    events.on(`gateway:drain:${name}`, (payload) => told.push([name, payload]))
  const startMs = clock.now()
  const connections = new Set<Connection>()
  const add = (n: number): Fake => {
    const fake: Fake = { n, inFlight: 0, isRead: true, closed: undefined }
    const connection = Object.assign(fake, {
      socket: {
        get isOpen() {
          return fake.closed === undefined
        },
      },
      disconnect({ code }: { code: number }) {
        fake.closed = { code, atMs: clock.now() - startMs }
        connections.delete(connection)
      },
    }) as unknown as Connection
    connections.add(connection)
    return fake
  }
  const fakes = Array.from({ length: count }, (_, n) => add(n))
  let isAccepting = true
  const settings = { delayMs: 0, ratePerSecond: 1_000, deadlineMs: 60_000, ...options }
  const drain = new Drain({
    options: settings,
    clock,
    events,
    connections,
    stopAccepting: () => {
      isAccepting = false
    },
    stopReading: (connection) => {
      ;(connection as unknown as Fake).isRead = false
    },
    random: seededRandom(7),
  })
  const hurry = new AbortController()
  const run = () => drain.run(new Patience(clock, settings.deadlineMs, hurry.signal))
  const openCount = (): number => fakes.filter(({ closed }) => closed === undefined).length
  return { clock, drain, run, hurry, fakes, add, told, openCount, isAccepting: () => isAccepting }
}

describe('a drain', () => {
  it('lets clients in for the delay, and after it nobody: those of the delay are sent away with the others (DR1)', async () => {
    const { clock, drain, run, add, isAccepting, openCount } = gatewayWith(10, {
      delayMs: 5_000,
      ratePerSecond: 10,
    })
    const done = run()
    expect([drain.phase, drain.leftCount]).toEqual([1, 0])
    await clock.advanceAsync(4_999)
    const late = add(99)
    expect([isAccepting(), openCount()]).toEqual([true, 10])
    await clock.advanceAsync(1)
    expect([isAccepting(), drain.phase]).toEqual([false, 2])
    await clock.advanceAsync(2_000)
    await done
    expect([late.closed?.code, openCount(), drain.phase]).toEqual([3001, 0, 3])
  })

  it('closes at the rate, a batch each tick, in no order of age (DR2)', async () => {
    const { clock, drain, run, fakes, openCount } = gatewayWith(200) // 50 in each of four ticks
    const done = run()
    const left: number[] = []
    for (let tick = 0; tick < 4; tick += 1) {
      await clock.advanceAsync(0)
      left.push(openCount())
      expect(drain.leftCount).toBe(openCount())
      await clock.advanceAsync(50)
    }
    await done
    expect(left).toEqual([150, 100, 50, 0])
    const firstBatch = fakes.filter(({ closed }) => closed?.atMs === 0).map(({ n }) => n)
    expect(firstBatch).not.toEqual(fakes.slice(0, 50).map(({ n }) => n))
    expect(firstBatch.some((n) => n >= 100)).toBe(true)
  })

  it('waits for what a connection has in work, reads nothing more of it, and closes it when it is answered (DR3)', async () => {
    const { clock, run, fakes, told } = gatewayWith(3)
    const [busy, stuck, idle] = fakes as [Fake, Fake, Fake]
    busy.inFlight = 1
    stuck.inFlight = 2
    const done = run()
    await clock.advanceAsync(0)
    expect([busy.isRead, stuck.isRead, idle.closed?.code]).toEqual([false, false, 3001])
    expect(busy.closed).toBeUndefined()
    busy.inFlight = 0
    await clock.advanceAsync(50)
    expect([busy.closed?.code, stuck.closed]).toEqual([3001, undefined])
    await clock.advanceAsync(1_000)
    await done
    expect(stuck.closed?.code).toBe(3001)
    expect(told.at(-1)).toEqual([
      'done',
      { closed: 3, unanswered: 1, tookMs: expect.any(Number), isHurried: false },
    ])
  })

  it('shortens its window to what the deadline leaves, and is over before it (DR4)', async () => {
    const { clock, run, fakes, told, openCount } = gatewayWith(1_000, {
      ratePerSecond: 10,
      deadlineMs: 4_000,
    })
    const done = run()
    await clock.advanceAsync(1_400)
    expect([openCount() > 0, openCount() < 1_000]).toEqual([true, true])
    await clock.advanceAsync(1_400) // 30 % of the deadline are for the rest
    await done
    expect(openCount()).toBe(0)
    expect(Math.max(...fakes.map(({ closed }) => closed?.atMs ?? Infinity))).toBeLessThanOrEqual(2_800)
    expect(told[1]).toEqual(['close', { connections: 1_000, windowMs: 2_800, batches: 56 }])
  })

  it.each([
    ['the delay', 0],
    ['the window', 31_000],
  ])('hurried in %s, closes all that are left at once, answered or not (DR5)', async (_, afterMs) => {
    const { clock, run, hurry, fakes, openCount, told } = gatewayWith(100, {
      delayMs: 30_000,
      ratePerSecond: 10,
    })
    for (const fake of fakes) fake.inFlight = 1
    const done = run()
    await clock.advanceAsync(afterMs)
    expect(openCount()).toBeGreaterThan(80)
    hurry.abort()
    await clock.advanceAsync(0)
    await done
    expect(openCount()).toBe(0)
    expect(fakes.every(({ closed }) => closed?.code === 3001)).toBe(true)
    expect(told.at(-1)).toMatchObject(['done', { isHurried: true }])
  })

  it('makes up for a timer that came late: the rate is kept, the window is not stretched', async () => {
    const { clock, run, openCount } = gatewayWith(1_000) // a second
    const done = run()
    await clock.advanceAsync(0)
    clock.advance(500) // nobody ran in between
    await clock.advanceAsync(0)
    expect(openCount()).toBeLessThanOrEqual(500)
    await clock.advanceAsync(500)
    await done
    expect(openCount()).toBe(0)
  })
})
