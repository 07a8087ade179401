import { describe, expect, it, jest } from '@jest/globals'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { TypedEvents } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import type { GatewayEvents } from '../gateway.events.js'
import { Peers } from './peers.js'

const silentMs = 4_200
const beatMs = 1_000

function startMesh() {
  const clock = new ManualClock(0)
  const mesh = new MemoryMesh()
  const subject = mesh.subjects.presenceBeat
  const said: { node: string; kind: string; atMs: number }[] = []
  const watcher = new MemoryBroker(mesh, clock)
  watcher.bus.subscribe(subject, ({ body }) => {
    const beat = JSON.parse(Buffer.from(body).toString()) as { node: string; kind: string }
    said.push({ ...beat, atMs: clock.now() })
  })
  const node = (name: string, life = () => 'one') => {
    const broker = new MemoryBroker(mesh, clock)
    const events = new TypedEvents<GatewayEvents>()
    const seen: string[] = []
    events.on('peer:up', ({ node: peer }) => seen.push(`${peer} up`))
    events.on('peer:down', ({ node: peer, reason }) => seen.push(`${peer} ${reason}`))
    const peers = new Peers(broker, subject, name, clock, events, life)
    broker.events.on('broker:reconnect', () => peers.resume())
    peers.start()
    return { broker, peers, seen, nodes: () => [...peers.nodes].toSorted() }
  }
  /** Anybody may say anything on the subject. */
  const say = (text: string): void => watcher.bus.publish(subject, new TextEncoder().encode(text))
  return { clock, node, said, say }
}

const settled = (): Promise<void> => new Promise(setImmediate)

describe('the gateways that a gateway knows of', () => {
  it('know each other at once, whoever came first, because a hello is answered (E1)', async () => {
    const { clock, node, said } = startMesh()
    const a = node('a')
    await settled()
    const b = node('b')
    const c = node('c')
    await settled()
    expect([a.nodes(), b.nodes(), c.nodes()]).toEqual([
      ['b', 'c'],
      ['a', 'c'],
      ['a', 'b'],
    ])
    expect(a.seen).toEqual(['b up', 'c up'])
    expect(clock.now()).toBe(0)
    expect(said.filter(({ kind }) => kind === 'hello')).toHaveLength(3) // beats are no hellos, or they would never end
  })

  it('say once a second that they are there', async () => {
    const { clock, node, said } = startMesh()
    node('a')
    await clock.advanceAsync(5 * beatMs)
    const beats = said.filter(({ kind }) => kind === 'beat')
    expect(beats.map(({ atMs }) => atMs)).toEqual([1, 2, 3, 4, 5].map((n) => n * beatMs))
  })

  it('are known from a first beat also, when the hello was missed (E1)', async () => {
    const { clock, node } = startMesh()
    const a = node('a')
    a.broker.disconnect()
    node('b')
    await settled()
    a.broker.reconnect()
    a.broker.disconnect() // what it said on the reconnect is not heard: nothing but the next beat is
    await clock.advanceAsync(beatMs - 1)
    a.broker.reconnect()
    await clock.advanceAsync(1)
    expect(a.nodes()).toEqual(['b'])
  })

  it('are forgotten after 4.2 s of silence, at most a beat later, and never while beats are only late (E1)', async () => {
    const { clock, node } = startMesh()
    const a = node('a')
    const b = node('b')
    await settled()
    b.broker.disconnect()
    await clock.advanceAsync(silentMs)
    expect(a.nodes()).toEqual(['b'])
    b.broker.reconnect()
    await clock.advanceAsync(10 * beatMs)
    expect([a.nodes(), a.seen]).toEqual([['b'], ['b up']])
    b.broker.disconnect()
    await clock.advanceAsync(silentMs + beatMs)
    expect([a.nodes(), a.seen]).toEqual([[], ['b up', 'b silent']])
  })

  it('are forgotten at their goodbye, so that nobody waits for the answer of who left', async () => {
    const { clock, node } = startMesh()
    const a = node('a')
    const b = node('b')
    await settled()
    b.peers.stop()
    await settled()
    expect([a.nodes(), a.seen]).toEqual([[], ['b up', 'b goodbye']])
    await clock.advanceAsync(10 * beatMs)
    expect(a.seen).toEqual(['b up', 'b goodbye']) // once
  })

  it('are all kept while this node itself is away, and have time to be heard when it is back (E2)', async () => {
    const { clock, node } = startMesh()
    const a = node('a')
    const b = node('b')
    await settled()
    a.broker.disconnect()
    await clock.advanceAsync(60 * beatMs + 500)
    expect(a.nodes()).toEqual(['b'])
    b.broker.disconnect()
    a.broker.reconnect()
    await clock.advanceAsync(silentMs)
    expect(a.nodes()).toEqual(['b'])
    await clock.advanceAsync(beatMs)
    expect(a.nodes()).toEqual([]) // it is gone indeed
  })

  it('are all kept while this process stood still: what they said meanwhile is still to be read (E2)', async () => {
    const { clock, node } = startMesh()
    const a = node('a')
    const b = node('b')
    await settled()
    const now = clock.now.bind(clock)
    jest.spyOn(clock, 'now').mockImplementation(() => now() + 60 * beatMs) // nothing ran for a minute
    b.broker.disconnect() // what it said meanwhile is read after the timer
    await clock.advanceAsync(beatMs)
    expect(a.nodes()).toEqual(['b'])
    b.broker.reconnect()
    await clock.advanceAsync(10 * beatMs)
    expect([a.nodes(), a.seen]).toEqual([['b'], ['b up']])
  })

  it('go and come with another life, because what they held before is gone (E3)', async () => {
    const { node } = startMesh()
    let life = 'one'
    const a = node('a')
    const b = node('b', () => life)
    await settled()
    expect(a.peers.lifeOf('b')).toBe('one')
    life = 'two'
    b.peers.renew()
    await settled()
    expect([a.peers.lifeOf('b'), a.peers.lifeOf('c')]).toEqual(['two', undefined])
    expect(a.seen).toEqual(['b up', 'b another-life', 'b up'])
  })

  it('do not include itself, nor what somebody else wrote on the subject', async () => {
    const { node, say } = startMesh()
    const a = node('a')
    for (const text of ['', 'null', '[]', '{', '7', '{"node":7,"kind":"beat"}', '{"node":"b"}']) say(text)
    say('{"node":"a","kind":"beat"}')
    await settled()
    expect([a.nodes(), a.seen]).toEqual([[], []])
  })
})

describe('after stop', () => {
  it('nothing is said, heard or timed', async () => {
    const { clock, node, said } = startMesh()
    const a = node('a')
    await settled()
    a.peers.stop()
    await settled()
    expect(said.at(-1)).toMatchObject({ node: 'a', kind: 'goodbye' })
    expect(clock.pendingTimers).toBe(0)
    const { length } = said
    const b = node('b')
    await clock.advanceAsync(3 * beatMs)
    expect([a.nodes(), b.nodes()]).toEqual([[], []])
    expect(said.slice(length).every((beat) => beat.node === 'b')).toBe(true)
  })

  it('away from NATS, no goodbye can be said, and that breaks nothing', async () => {
    const { clock, node } = startMesh()
    const a = node('a')
    a.broker.disconnect()
    await clock.advanceAsync(3 * beatMs)
    expect(() => a.peers.stop()).not.toThrow()
    expect(clock.pendingTimers).toBe(0)
  })
})
