import { describe, expect, it } from '@jest/globals'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import type { EventKind, EventScope, HookEvent } from '@natter/hooks'
import { TypedEvents } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import fc from 'fast-check'
import type { GatewayEvents } from '../gateway.events.js'
import { Peers } from '../presence/peers.js'
import { Occupancy } from './occupancy.js'

const channel = 'room:a'
const settled = (): Promise<void> => new Promise(setImmediate)

function startMesh() {
  const clock = new ManualClock(0)
  const mesh = new MemoryMesh()
  const heard: HookEvent[] = []
  let lives = 0

  /** A gateway without sockets; telling takes `tellMs`. */
  const node = (name: string, tellMs = 0, wanted: readonly EventKind[] = ['occupied', 'vacated']) => {
    lives += 1
    let life = `life ${lives}`
    const broker = new MemoryBroker(mesh, clock)
    const events = new TypedEvents<GatewayEvents>()
    const here = new Map<string, number>()
    let isDead = false
    const hooks = {
      wants: (kind: EventKind): EventScope[] => (wanted.includes(kind) ? ['group'] : []),
      tell: (event: HookEvent) =>
        new Promise((resolve) => {
          const hear = (): void => {
            if (isDead) return
            if (!broker.bus.isConnected) return void clock.setTimer(hear, 250) // as a gateway does: until it was heard
            if (!heard.some(({ id }) => id === event.id)) heard.push(event) // as an app does
            resolve('heard')
          }
          if (tellMs === 0) hear()
          else clock.setTimer(hear, tellMs)
        }),
    }
    const peers = new Peers(broker, mesh.subjects.presenceBeat, name, clock, events, () => life)
    const occupancy = new Occupancy({
      broker,
      hooks,
      clock,
      events,
      node: name,
      life: () => life,
      isThere: (other, of) => peers.lifeOf(other) === of,
      isOccupiedHere: (one) => (here.get(one) ?? 0) > 0,
    })
    broker.events.on('broker:reconnect', () => peers.resume())
    peers.start()
    occupancy.start()
    return {
      broker,
      occupancy,
      peers,
      get count() {
        return here.get(channel) ?? 0
      },
      join(one = channel): void {
        here.set(one, (here.get(one) ?? 0) + 1)
        occupancy.joined(one, 'room')
      },
      leave(one = channel): void {
        here.set(one, Math.max(0, (here.get(one) ?? 0) - 1))
        occupancy.left(one, 'room')
      },
      newLife(): void {
        life = 'another'
        events.emit('sessions:life:over', { life, open: 0 })
      },
      die(): void {
        isDead = true
        broker.disconnect()
        void broker.close()
        here.clear()
      },
    }
  }
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 250) {
      await clock.advanceAsync(250)
      await settled()
    }
  }
  return { clock, mesh, heard, node, pass, kinds: () => heard.map(({ kind }) => kind) }
}

describe('a channel', () => {
  it('is occupied with its first subscriber in the mesh and vacated a while after its last, however many there are', async () => {
    const { node, pass, kinds, mesh } = startMesh()
    const [a, b] = [node('a'), node('b')]
    await pass(1_000)
    a.join()
    a.join()
    await pass(250)
    b.join()
    await pass(250)
    expect(kinds()).toEqual(['occupied'])
    a.leave()
    a.leave()
    await pass(20_000)
    expect(kinds()).toEqual(['occupied'])
    b.leave()
    await pass(4_500)
    expect(kinds()).toEqual(['occupied'])
    await pass(1_000)
    expect(kinds()).toEqual(['occupied', 'vacated'])
    expect(mesh.writtenSubjects(mesh.subjects.allOccupancy)).toEqual([]) // nothing is kept of it
  })

  it('is not vacated by a reload, also when the page comes back to another gateway', async () => {
    const { node, pass, kinds } = startMesh()
    const [a, b] = [node('a'), node('b')]
    await pass(1_000)
    a.join()
    await pass(1_000)
    a.leave()
    await pass(3_000)
    b.join()
    await pass(20_000)
    b.leave()
    await pass(3_000)
    a.join()
    await pass(20_000)
    expect(kinds()).toEqual(['occupied'])
  })

  it('costs nothing where no app wants to hear of it (V1)', async () => {
    const { node, pass, kinds, mesh } = startMesh()
    const a = node('a', 0, [])
    a.join()
    await pass(1_000)
    expect([kinds(), mesh.writtenSubjects(mesh.subjects.allOccupancy)]).toEqual([[], []])
  })

  it('is vacated by the others when the gateway that had its last subscriber died, and by its next life (V3)', async () => {
    const { node, pass, kinds } = startMesh()
    const [a] = [node('a'), node('b')]
    await pass(1_000)
    a.join()
    await pass(1_000)
    a.die()
    await pass(15_000)
    expect(kinds()).toEqual(['occupied', 'vacated'])
    const alone = startMesh()
    const first = alone.node('a')
    first.join()
    await alone.pass(1_000)
    first.die()
    alone.node('a')
    await alone.pass(15_000)
    expect(alone.kinds()).toEqual(['occupied', 'vacated'])
  })

  it('is told of by another one when who had to tell it died before it was heard (C3)', async () => {
    const { node, pass, heard } = startMesh()
    const a = node('a', 3_000)
    const b = node('b')
    await pass(1_000)
    a.join()
    await pass(1_000)
    b.join()
    await pass(250)
    expect(heard).toEqual([])
    a.die()
    await pass(10_000)
    expect(heard.map(({ kind }) => kind)).toEqual(['occupied'])
    expect(heard[0]?.id).toMatch(/^a\./) // the id that the dead one gave
  })

  it('is not said to be occupied before the vacated that went before was heard, however slow that is (C2)', async () => {
    const { node, pass, kinds } = startMesh()
    const [a, b] = [node('a', 2_000), node('b')]
    await pass(1_000)
    a.join()
    await pass(3_000)
    a.leave()
    await pass(6_000) // the linger is over, and it is being told
    b.join()
    await pass(250)
    expect(kinds()).toEqual(['occupied'])
    await pass(10_000)
    expect(kinds()).toEqual(['occupied', 'vacated', 'occupied'])
  })

  it('is said to be occupied again by a gateway that was taken for dead and has subscribers (V3)', async () => {
    const { node, pass, kinds } = startMesh()
    const a = node('a')
    node('b')
    await pass(1_000)
    a.join()
    await pass(1_000)
    a.broker.disconnect()
    await pass(15_000)
    expect(kinds()).toEqual(['occupied', 'vacated'])
    a.broker.reconnect()
    await pass(10_000)
    expect(kinds()).toEqual(['occupied', 'vacated', 'occupied'])
  })

  it('is told in turns, ending with what is true, whatever comes and goes on three gateways', async () => {
    const step = fc.record({
      at: fc.integer({ min: 0, max: 2 }),
      verb: fc.constantFrom('join', 'leave', 'join', 'leave', 'cut', 'back', 'life'),
      waitMs: fc.constantFrom(0, 0, 250, 1_000, 5_000, 12_000),
    })
    const delays = fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(0, 250, 2_000)))
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), delays, async (steps, tellMs) => {
        const { node, pass, heard, mesh } = startMesh()
        const nodes = ['a', 'b', 'c'].map((name, n) => node(name, tellMs[n]))
        await pass(500)
        for (const { at, verb, waitMs } of steps) {
          const one = nodes[at]
          if (verb === 'join') one?.join()
          if (verb === 'leave') one?.leave()
          if (verb === 'cut') one?.broker.disconnect()
          if (verb === 'back') one?.broker.reconnect()
          if (verb === 'life') one?.newLife()
          await pass(waitMs)
        }
        for (const { broker } of nodes) broker.reconnect()
        await pass(60_000)
        const kinds = heard.map(({ kind }) => kind)
        expect(kinds).toEqual(kinds.map((_, n) => (n % 2 === 0 ? 'occupied' : 'vacated')))
        const isOccupied = nodes.some(({ count }) => count > 0)
        expect(kinds.at(-1) ?? 'vacated').toBe(isOccupied ? 'occupied' : 'vacated')
        expect(mesh.writtenSubjects(mesh.subjects.allOccupancy)).toHaveLength(isOccupied ? 1 : 0)
      }),
      { numRuns: 40 },
    )
  }, 60_000)
})

describe('stop', () => {
  it('takes the node out, and what it had to wait for falls to the others', async () => {
    const { node, pass, kinds } = startMesh()
    const [a] = [node('a'), node('b')]
    await pass(1_000)
    a.join()
    await pass(1_000)
    a.leave()
    await a.occupancy.stop(3_000)
    a.peers.stop()
    await pass(10_000)
    expect(kinds()).toEqual(['occupied', 'vacated'])
  })
})
