import { describe, expect, it } from '@jest/globals'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import type { Caller, HookEvent } from '@natter/hooks'
import { TypedEvents, UnavailableError } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import fc from 'fast-check'
import type { GatewayEvents } from '../gateway.events.js'
import { Peers } from '../presence/peers.js'
import { deadKey } from './dead-record.js'
import { Replayer } from './replayer.js'
import { openAfter } from './session-ops.js'
import { Sessions } from './sessions.js'

const settled = (): Promise<void> => new Promise(setImmediate)
const callerOf = (client: string): Caller => ({ client, user: 'ana', node: 'a', headers: {}, ip: '' })
const channel = { namespace: 'room', channel: 'room:a' }

function startMesh() {
  const clock = new ManualClock(0)
  const mesh = new MemoryMesh()
  const told: HookEvent[] = []

  /** A gateway without sockets. `answer` is what becomes of what it tells. */
  const node = (name: string, answer: (event: HookEvent) => unknown = () => 'heard') => {
    const broker = new MemoryBroker(mesh, clock)
    const events = new TypedEvents<GatewayEvents>()
    const hooks = {
      tell: (event: HookEvent): unknown => {
        const said = answer(event)
        void Promise.resolve(said).then((end) => end === 'heard' && told.push(event))
        return said
      },
    }
    const sessions: Sessions = new Sessions({
      broker,
      hooks,
      clock,
      events,
      node: name,
      onLife: () => peers.renew(),
    })
    const peers = new Peers(broker, mesh.subjects.presenceBeat, name, clock, events, () => sessions.life)
    const replayer = new Replayer({
      broker,
      peers,
      sessions,
      hooks,
      clock,
      events,
      node: name,
    })
    peers.start()
    replayer.start()
    const comeBack: string[] = []
    const connectionOf = (id: string) => ({ key: id, id, forceReconnect: () => comeBack.push(id) })
    const open = (id: string): Promise<void> => sessions.openConnection(id, connectionOf(id), callerOf(id))
    const subscribe = (id: string, key = `${id} a`): Promise<void> =>
      sessions.openSubscription(key, connectionOf(id), callerOf(id), channel)
    const disconnect = (id: string): void =>
      sessions.end(id, (eventId) => ({
        id: eventId,
        atMs: clock.now(),
        kind: 'disconnect',
        caller: callerOf(id),
        code: 3000,
        reason: '',
      }))
    /** Nothing is said or heard any more; the process runs on, which others can't know. */
    const cut = (): void => broker.disconnect()
    const die = (): void => {
      broker.disconnect()
      replayer.stop()
      void broker.close()
    }
    return { broker, events, sessions, peers, replayer, open, subscribe, disconnect, cut, die, comeBack }
  }

  const journalOf = (name: string, life: string) => mesh.written(mesh.subjects.sessions(name, life))
  const openIn = (name: string, life: string) => openAfter(journalOf(name, life).map(({ body }) => body))
  return { clock, mesh, told, node, journalOf, openIn }
}

/** Until a gateway is known to be dead, and what follows is done. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 100) {
    await clock.advanceAsync(100)
    await settled()
  }
}

describe('what is open', () => {
  it('is written down before anybody is told that it is in, the first at once, the rest together (Z1, J1)', async () => {
    const { node, journalOf, openIn } = startMesh()
    const a = node('a')
    const all = Array.from({ length: 100 }, (_, n) => a.open(`c${n}`))
    await Promise.all(all)
    expect(journalOf('a', a.sessions.life)).toHaveLength(2)
    expect(openIn('a', a.sessions.life)).toHaveLength(100)
  })

  it('waits while NATS is away, in its order, and is not said to be written (J2)', async () => {
    const { clock, node, openIn } = startMesh()
    const a = node('a')
    await a.open('c1')
    a.broker.disconnect()
    const trouble: unknown[] = []
    a.events.on('sessions:trouble', ({ error }) => trouble.push(error))
    const done: string[] = []
    void a.open('c2').then(() => done.push('c2'))
    void a.open('c3').then(() => done.push('c3'))
    await clock.advanceAsync(500)
    expect([done, trouble[0]]).toEqual([[], expect.any(UnavailableError)])
    a.broker.reconnect()
    await clock.advanceAsync(1_000)
    expect(done).toEqual(['c2', 'c3'])
    expect(openIn('a', a.sessions.life).map((op) => 'caller' in op && op.caller.client)).toEqual([
      'c1',
      'c2',
      'c3',
    ])
  })

  it('leaves nothing of those who come and go while NATS is away: an outage costs no memory for each of them (J4)', async () => {
    const { clock, node, journalOf, openIn } = startMesh()
    const a = node('a')
    await a.open('before')
    a.broker.disconnect()
    const refused: unknown[] = []
    for (let n = 0; n < 1_000; n += 1) {
      void a.open(`c${n}`).catch((error: unknown) => refused.push(error))
      void a.subscribe(`c${n}`).catch((error: unknown) => refused.push(error))
      a.sessions.abandon(`c${n} a`)
      a.sessions.abandon(`c${n}`)
    }
    const stays = a.open('stays')
    await settled()
    expect(refused).toHaveLength(1_999) // but for the first, which may have been stored: its end is written
    a.broker.reconnect()
    await clock.advanceAsync(1_000)
    await stays
    expect(openIn('a', a.sessions.life)).toMatchObject([
      { caller: { client: 'before' } },
      { caller: { client: 'stays' } },
    ])
    const bytes = journalOf('a', a.sessions.life).reduce((sum, { body }) => sum + body.length, 0)
    expect(bytes).toBeLessThan(1_000)
  })

  it('is over when its end was heard, and not before: another gateway would tell it (Z2)', async () => {
    let answer = 'dropped'
    const { clock, told, node, openIn } = startMesh()
    const a = node('a', () => answer)
    await a.open('c1')
    a.disconnect('c1')
    await settled()
    expect(openIn('a', a.sessions.life)).toHaveLength(1)
    answer = 'heard'
    await clock.advanceAsync(10_000)
    await settled()
    expect(told.map(({ kind }) => kind)).toEqual(['disconnect'])
    expect(openIn('a', a.sessions.life)).toEqual([])
  })

  it('stays written down with a connection until its last subscription was heard of (O2)', async () => {
    const { node, openIn } = startMesh()
    const heard: (() => void)[] = []
    const a = node('a', ({ kind }) =>
      kind === 'unsubscribe' ? new Promise((resolve) => heard.push(() => resolve('heard'))) : 'heard',
    )
    await a.subscribe('c1')
    a.sessions.end('c1 a', (id) => {
      return { id, atMs: 0, kind: 'unsubscribe', caller: callerOf('c1'), ...channel, code: 0, reason: '' }
    })
    a.disconnect('c1')
    await settled()
    expect(openIn('a', a.sessions.life)).toHaveLength(2)
    for (const one of heard) one()
    await settled()
    expect(openIn('a', a.sessions.life)).toEqual([])
  })

  it('is what is left after any comings and goings, and the journal stays bounded by it (J3)', async () => {
    const step = fc.record({
      id: fc.integer({ min: 0, max: 30 }),
      verb: fc.constantFrom('open', 'end', 'abandon'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 200, size: 'max' }), async (steps) => {
        const { node, openIn } = startMesh()
        const a = node('a')
        const model = new Set<string>()
        for (const { id, verb } of steps) {
          const name = `c${id}`
          if (verb === 'open') await a.open(name)
          else if (verb === 'end') a.disconnect(name)
          else a.sessions.abandon(name)
          if (verb === 'open') model.add(name)
          else model.delete(name)
        }
        await settled()
        const left = openIn('a', a.sessions.life).map((op) => ('caller' in op ? op.caller.client : ''))
        expect(new Set(left)).toEqual(model)
        expect(a.sessions.openCount).toBe(model.size)
      }),
      { numRuns: 50 },
    )
    const { node, journalOf, openIn } = startMesh()
    const a = node('a')
    await a.open('stays')
    for (let n = 0; n < 3_000; n += 1) {
      await a.open(`c${n}`)
      a.disconnect(`c${n}`)
    }
    await settled()
    expect(journalOf('a', a.sessions.life).length).toBeLessThan(2_500)
    expect(openIn('a', a.sessions.life).map(({ n }) => n)).toEqual([1])
  })
})

describe('a gateway that dies', () => {
  it('has the ends of all that was open told once, by one of the others, under the ids it would have given (R2, R3)', async () => {
    const { clock, mesh, told, node } = startMesh()
    const a = node('a')
    const slowly = () => new Promise((resolve) => clock.setTimer(() => resolve('heard'), 500))
    node('b', slowly)
    node('c', slowly)
    await a.open('c1')
    await a.subscribe('c2')
    await a.open('c3')
    a.disconnect('c3')
    await settled()
    told.length = 0
    a.die()
    await pass(clock, 7_000)
    const { life } = a.sessions
    expect(told.map(({ id, kind }) => `${kind} ${id}`)).toEqual([
      `unsubscribe a.${life}.c2.unsubscribe.3`,
      `disconnect a.${life}.c1.disconnect`,
      `disconnect a.${life}.c2.disconnect`,
    ])
    expect(mesh.writtenSubjects(mesh.subjects.allSessions)).toEqual([]) // R4
    await pass(clock, 40_000)
    expect(told).toHaveLength(3)
  })

  it('is replayed by another one when the first that began dies before all was heard (R2)', async () => {
    const { clock, told, node } = startMesh()
    const a = node('a')
    const slow = node('b', () => new Promise(() => {}))
    await a.open('c1')
    await pass(clock, 1_000)
    a.die()
    await pass(clock, 7_000) // b has it
    node('c')
    await pass(clock, 7_000)
    expect(told).toEqual([])
    slow.die()
    await pass(clock, 30_000)
    expect(told.map(({ kind, atMs }) => [kind, atMs < 7_000])).toEqual([['disconnect', true]]) // the time of the first
  })

  it('is found by its own next life, also when nobody else was there', async () => {
    const { clock, told, node } = startMesh()
    const a = node('a')
    await a.open('c1')
    a.die()
    node('a')
    await pass(clock, 7_000)
    expect(told).toHaveLength(1)
    expect(told[0]?.id).toContain(a.sessions.life)
  })

  it('keeps what could not be told for the next look: nothing is purged that was not heard (R4)', async () => {
    const { clock, told, node } = startMesh()
    const a = node('a')
    let answer = 'dropped'
    node('b', () => answer)
    await a.open('c1')
    await pass(clock, 1_000)
    a.die()
    await pass(clock, 10_000)
    expect(told).toEqual([])
    answer = 'heard'
    await pass(clock, 30_000)
    expect(told).toHaveLength(1)
  })

  it('and left nothing open is not looked at', async () => {
    const { clock, mesh, node } = startMesh()
    const a = node('a')
    node('b')
    await pass(clock, 1_000)
    a.die()
    await pass(clock, 30_000)
    expect(mesh.record(deadKey('a', a.sessions.life))).toBeUndefined()
  })
})

describe('a gateway that was only not heard', () => {
  it('begins another life and has its clients come back, because apps were told that they left (Z3)', async () => {
    const { clock, mesh, told, node } = startMesh()
    const a = node('a')
    const b = node('b')
    await a.open('c1')
    const first = a.sessions.life
    await pass(clock, 1_000)
    a.cut()
    await pass(clock, 7_000)
    expect(told.map(({ id }) => id)).toEqual([`a.${first}.c1.disconnect`])
    a.broker.reconnect()
    await pass(clock, 1_000)
    expect(a.comeBack).toEqual(['c1'])
    expect(a.sessions.life).not.toBe(first)
    expect(b.peers.lifeOf('a')).toBe(a.sessions.life)
    a.disconnect('c1') // the same id once more: it is recognised
    expect(new Set(told.map(({ id }) => id)).size).toBe(1)
    await a.open('c2')
    await pass(clock, 30_000)
    expect(a.comeBack).toEqual(['c1'])
    expect(mesh.writtenSubjects(mesh.subjects.allSessions)).toEqual([
      mesh.subjects.sessions('a', a.sessions.life),
    ])
  })
})

describe('stop', () => {
  it('waits until all that ended was heard, and leaves nothing behind', async () => {
    const { clock, mesh, node } = startMesh()
    const heard: (() => void)[] = []
    const a = node('a', () => new Promise((resolve) => heard.push(() => resolve('heard'))))
    await a.open('c1')
    a.disconnect('c1')
    let isStopped = false
    const stopping = a.sessions.stop(3_000).then(() => (isStopped = true))
    await settled()
    expect(isStopped).toBe(false)
    for (const one of heard) one()
    await stopping
    expect(mesh.writtenSubjects(mesh.subjects.allSessions)).toEqual([])
    a.replayer.stop()
    a.peers.stop()
    expect(clock.pendingTimers).toBe(0)
  })

  it('leaves to another gateway what no app heard in time', async () => {
    const { clock, told, node } = startMesh()
    const a = node('a', () => new Promise(() => {}))
    node('b')
    await a.open('c1')
    a.disconnect('c1')
    const stopping = a.sessions.stop(3_000)
    await clock.advanceAsync(3_000)
    await stopping
    a.replayer.stop()
    a.peers.stop()
    await pass(clock, 7_000)
    expect(told.map(({ kind }) => kind)).toEqual(['disconnect'])
  })
})
