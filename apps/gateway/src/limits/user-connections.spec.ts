import { afterEach, describe, expect, it } from '@jest/globals'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { ManualClock } from '@natter/testing'
import fc from 'fast-check'
import { beyond, UserConnections, type CountedConnection } from './user-connections.js'

interface Node {
  readonly name: string
  readonly users: UserConnections<CountedConnection>
  readonly here: Set<CountedConnection>
  readonly closed: string[]
  /** Lost on the way from now on. */
  setCutOff(isCutOff: boolean): void
}

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

function start(count: number, limit = 2) {
  const clock = new ManualClock(1_000)
  const mesh = new MemoryMesh()
  const world = { limit }
  const nodes = Array.from({ length: count }, (_, index): Node => {
    const broker = new MemoryBroker(mesh)
    ends.push(() => broker.close())
    const here = new Set<CountedConnection>()
    const closed: string[] = []
    const name = `node-${index}`
    let isCutOff = false
    const { bus } = broker
    const lossy = {
      bus: {
        get isConnected() {
          return bus.isConnected && !isCutOff
        },
        publish: bus.publish.bind(bus),
        subscribe: bus.subscribe.bind(bus),
      },
    } as unknown as MemoryBroker
    const users = new UserConnections<CountedConnection>({
      broker: lossy,
      clock,
      node: name,
      subject: 'natter.p.user',
      limit: () => world.limit,
      connectionsOf: (user) => [...here].filter((one) => one.user === user),
      users: () => [...here].map(({ user }) => user),
      close: (connection) => {
        here.delete(connection)
        closed.push(connection.id)
        users.left(connection)
      },
    })
    users.start()
    ends.push(() => users.stop())
    return { name, users, here, closed, setCutOff: (next) => (isCutOff = next) }
  })
  let opened = 0
  const enter = (node: Node | undefined, user = 'ann', openedAtMs = clock.now()): string => {
    opened += 1
    const connection = { id: `c${String(opened).padStart(4, '0')}`, user, openedAtMs }
    node?.here.add(connection)
    node?.users.entered(connection)
    return connection.id
  }
  const left = (): string[] => nodes.flatMap(({ here }) => [...here].map(({ id }) => id)).toSorted()
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 50) {
      clock.advance(50)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { clock, nodes, world, enter, left, pass }
}

describe('connections of a user', () => {
  it('[20.20] closes the oldest on this node in the same turn: who opened last is who is there (UC1)', () => {
    const { nodes, enter, left, clock } = start(1)
    const ids = [0, 1, 2, 3].map((index) => enter(nodes[0], 'ann', clock.now() + index))
    expect(left()).toEqual(ids.slice(2))
    expect(nodes[0]?.closed).toEqual(ids.slice(0, 2))
  })

  it('[20.20] holds over nodes within a second: each closes its own oldest, and all of them mean the same ones (UC2)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ node: fc.nat(2), afterMs: fc.constantFrom(0, 0, 30, 90, 200) }), {
          maxLength: 12,
        }),
        fc.integer({ min: 1, max: 4 }),
        async (arrivals, limit) => {
          const { nodes, enter, left, pass } = start(3, limit)
          for (const { node, afterMs } of arrivals) {
            if (afterMs > 0) await pass(afterMs)
            enter(nodes[node])
          }
          await pass(1_000)
          expect(left().length).toBe(Math.min(limit, arrivals.length))
        },
      ),
      { numRuns: 25 },
    )
  })

  it('keeps the newest over nodes, wherever they are', async () => {
    const { nodes, enter, left, pass } = start(3)
    const ids: string[] = []
    for (const node of [0, 1, 2, 1]) {
      ids.push(enter(nodes[node]))
      await pass(400)
    }
    expect(left()).toEqual(ids.slice(2))
  })

  it('does not count who has gone: nobody who is there is closed for them (UC3)', async () => {
    const { nodes, enter, left, pass } = start(2)
    const old = enter(nodes[1])
    await pass(1_500)
    enter(nodes[0])
    await pass(250)
    for (const connection of nodes[0]?.here ?? []) {
      nodes[0]?.here.delete(connection)
      nodes[0]?.users.left(connection)
    }
    await pass(250)
    const newest = enter(nodes[1])
    await pass(1_500)
    expect(left()).toEqual([old, newest])
  })

  it('counts those of whom nothing was heard for long, on nodes that were quiet: they are asked (UC2)', async () => {
    const { nodes, enter, left, pass } = start(3)
    const ids = [enter(nodes[0])]
    await pass(300)
    ids.push(enter(nodes[1]))
    await pass(7_000)
    ids.push(enter(nodes[2]))
    await pass(400)
    expect(left()).toEqual(ids.slice(1))
  })

  it('makes up for what was lost on the way: it is asked again, and when NATS is back (UC4)', async () => {
    const { nodes, enter, left, pass } = start(2, 1)
    enter(nodes[0])
    await pass(50)
    nodes[1]?.setCutOff(true)
    const newer = enter(nodes[1])
    await pass(300)
    expect(left().length).toBe(2)
    nodes[1]?.setCutOff(false)
    await pass(600)
    expect(left()).toEqual([newer])

    nodes[0]?.setCutOff(true)
    const newest = enter(nodes[0])
    await pass(8_000)
    expect(left()).toEqual([newer, newest])
    nodes[0]?.setCutOff(false)
    nodes[0]?.users.resume()
    await pass(400)
    expect(left()).toEqual([newest])
  })

  it('keeps nothing of users who are not here, nor of anybody for long, and does nothing without a limit (UC3, UC5)', async () => {
    const { nodes, world, enter, left, pass } = start(2)
    enter(nodes[0])
    await pass(200)
    expect(nodes[1]?.users.keptCount).toBe(0)
    expect(nodes[0]?.users.keptCount).toBeGreaterThan(0)
    await pass(7_000)
    expect(nodes[0]?.users.keptCount).toBe(0)
    world.limit = 0
    for (let index = 0; index < 5; index += 1) enter(nodes[0])
    expect(nodes[0]?.users.keptCount).toBe(0)
    world.limit = 2
    for (let index = 0; index < 5; index += 1) enter(nodes[0], '')
    expect(nodes[0]?.users.keptCount).toBe(0)
    expect(left().length).toBe(11)
  })

  it('leaves no timer behind where connections end after it was stopped: the process could not end', async () => {
    const { clock, nodes, enter, pass } = start(1)
    enter(nodes[0])
    const [connection] = nodes[0]?.here ?? []
    nodes[0]?.users.stop()
    nodes[0]?.here.clear()
    if (connection !== undefined) nodes[0]?.users.left(connection)
    expect(clock.pendingTimers).toBe(0)
    await pass(200)
  })

  it('is the same answer wherever the same is known: nobody is closed twice, and nobody kept who should go', () => {
    const entry = fc.record({ openedAtMs: fc.nat(5), id: fc.uuid() })
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(entry, fc.nat(2)), { selector: ([{ id }]) => id }),
        fc.integer({ min: 1, max: 5 }),
        (all, limit) => {
          const of = (node: number, isHere: boolean) =>
            all.filter(([, one]) => (one === node) === isHere).map(([one]) => one)
          const gone = [0, 1, 2].flatMap((node) => beyond(limit, of(node, true), of(node, false)))
          expect(gone.length).toBe(Math.max(0, all.length - limit))
          const stays = all.map(([one]) => one).filter((one) => !gone.includes(one))
          const newestGone = Math.max(...gone.map(({ openedAtMs }) => openedAtMs))
          for (const { openedAtMs } of stays) expect(openedAtMs).toBeGreaterThanOrEqual(newestGone)
        },
      ),
    )
  })
})
