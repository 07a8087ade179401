import { describe, expect, it, jest } from '@jest/globals'
import { namespaceSchema, resolveNamespace } from '@natter/auth'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { UnavailableError } from '@natter/primitives'
import type { ClientInfo } from '@natter/protocol'
import { ManualClock } from '@natter/testing'
import fc from 'fast-check'
import { z } from 'zod'
import type { Audience } from '../channels/audience.js'
import { JoinLeave } from './join-leave.js'

const gatherMs = 200
const natsMaxBytes = 1_048_576
const namespace = resolveNamespace(
  'chat',
  namespaceSchema({ duration: z.number() }).parse({ join_leave: true }),
)
const infoOf = (client: string, connInfo?: string): ClientInfo =>
  connInfo === undefined
    ? { user: 'ana', client }
    : { user: 'ana', client, connInfo: new TextEncoder().encode(connInfo) }

function startMesh() {
  const clock = new ManualClock(0)
  const mesh = new MemoryMesh()
  const node = () => {
    const broker = new MemoryBroker(mesh, clock)
    const told: { channel: string; event: string }[] = []
    const audience: Pick<Audience, 'announce'> = {
      announce: (channel, push) => void told.push({ channel, event: eventIn(push) }),
    }
    const joinLeave = new JoinLeave(broker, audience, clock, (name, channel) =>
      mesh.subjects.presence(name, channel),
    )
    const publish = jest.spyOn(broker.bus, 'publish')
    return { broker, joinLeave, told, publish, subscribe: jest.spyOn(broker.bus, 'subscribe') }
  }
  return { clock, mesh, node }
}

function eventIn(push: Parameters<Audience['announce']>[1]): string {
  return 'join' in push
    ? `${push.join.info.client} joins ${push.channel}`
    : `${push.leave.info.client} leaves ${push.channel}`
}

const settled = (): Promise<void> => new Promise(setImmediate)

describe('joins and leaves', () => {
  it('of 200 ms are one message per channel, in their order, so that a storm of them is few messages', async () => {
    const { clock, node } = startMesh()
    const [here, there] = [node(), node()]
    there.joinLeave.listen('chat:a', namespace)
    there.joinLeave.listen('chat:b', namespace)
    here.joinLeave.tell('chat:a', namespace, 'join', infoOf('1'))
    await clock.advanceAsync(gatherMs - 1)
    here.joinLeave.tell('chat:a', namespace, 'join', infoOf('2'))
    here.joinLeave.tell('chat:b', namespace, 'join', infoOf('3'))
    here.joinLeave.tell('chat:a', namespace, 'leave', infoOf('1'))
    expect(here.publish).not.toHaveBeenCalled()
    await clock.advanceAsync(1)
    expect(here.publish).toHaveBeenCalledTimes(1)
    await clock.advanceAsync(gatherMs)
    expect(here.publish).toHaveBeenCalledTimes(2)
    expect(there.told.map(({ event }) => event)).toEqual([
      '1 joins chat:a',
      '2 joins chat:a',
      '1 leaves chat:a',
      '3 joins chat:b',
    ])
    expect(new Set(there.told.map(({ channel }) => channel))).toEqual(new Set(['chat:a', 'chat:b']))
    expect(clock.pendingTimers).toBe(0)
  })

  it('are split so that no message is larger than NATS takes, and all arrive, in order', async () => {
    const weight = fc.oneof(fc.nat(200), fc.nat(60_000))
    const crowds = fc.array(fc.tuple(weight, fc.constantFrom('x', 'é', '"', '\\')), {
      maxLength: 60,
      size: 'max',
    })
    await fc.assert(
      fc.asyncProperty(crowds, fc.nat(600), async (heavy, light) => {
        const { clock, node } = startMesh()
        const [here, there] = [node(), node()]
        there.joinLeave.listen('chat:a', namespace)
        const infos = [
          ...heavy.map(([size, unit], n) => infoOf(`h${n}`, JSON.stringify(unit.repeat(size / 4)))),
          ...Array.from({ length: light }, (_, n) => infoOf(`l${n}`)),
        ]
        for (const info of infos) here.joinLeave.tell('chat:a', namespace, 'join', info)
        await clock.advanceAsync(gatherMs)
        const sizes = here.publish.mock.calls.map(([, body]) => body.length)
        expect(Math.max(0, ...sizes)).toBeLessThan(natsMaxBytes)
        expect(there.told.map(({ event }) => event)).toEqual(
          infos.map(({ client }) => `${client} joins chat:a`),
        )
      }),
      { numRuns: 25, endOnFailure: true },
    )
  })

  it('of forty thousand small ones at once are bounded too: each costs more on the wire than its text', async () => {
    const { clock, node } = startMesh()
    const here = node()
    for (let n = 0; n < 40_000; n += 1)
      here.joinLeave.tell('chat:a', namespace, 'join', { user: '', client: '' })
    await clock.advanceAsync(gatherMs)
    const sizes = here.publish.mock.calls.map(([, body]) => body.length)
    expect(Math.max(...sizes)).toBeLessThan(natsMaxBytes)
  })

  it('are dropped without a word while NATS is away, and not told late: presence is the truth', async () => {
    const { clock, node } = startMesh()
    const [here, there] = [node(), node()]
    there.joinLeave.listen('chat:a', namespace)
    here.broker.disconnect()
    here.joinLeave.tell('chat:a', namespace, 'join', infoOf('1'))
    await clock.advanceAsync(gatherMs)
    here.broker.reconnect()
    await clock.advanceAsync(10 * gatherMs)
    expect([there.told, clock.pendingTimers]).toEqual([[], 0])
    here.joinLeave.tell('chat:a', namespace, 'join', infoOf('2'))
    await clock.advanceAsync(gatherMs)
    expect(there.told.map(({ event }) => event)).toEqual(['2 joins chat:a'])
  })

  it('never throw into a timer when the way breaks just then, because nobody could catch it there', () => {
    const { clock, node } = startMesh()
    const { joinLeave, publish } = node()
    publish.mockImplementation(() => {
      throw new UnavailableError('nats-away', 'Cut off')
    })
    joinLeave.tell('chat:a', namespace, 'join', infoOf('1'))
    expect(() => clock.advance(gatherMs)).not.toThrow()
    joinLeave.tell('chat:a', namespace, 'leave', infoOf('1'))
    expect(() => joinLeave.stop()).not.toThrow()
    expect(publish).toHaveBeenCalledTimes(2)
    expect(clock.pendingTimers).toBe(0)
  })

  it('of another hand are shown if they are ours, else ignored', async () => {
    const { mesh, node } = startMesh()
    const [here, there] = [node(), node()]
    there.joinLeave.listen('chat:a', namespace)
    const texts = [
      '',
      'null',
      '{}',
      '[1]',
      '[["join"]]',
      '[["join","x"]]',
      '[["join","{\\"k\\":\\"json\\"}"]]',
      '[null]',
    ]
    for (const text of texts)
      here.broker.bus.publish(mesh.subjects.presence('chat', 'chat:a'), new TextEncoder().encode(text))
    await settled()
    expect(there.told).toEqual([])
  })
})

describe('who listens', () => {
  it('costs one subscription per channel, however many they are, and none when the last is gone', async () => {
    const { clock, node } = startMesh()
    const [here, there] = [node(), node()]
    for (let n = 0; n < 3; n += 1) there.joinLeave.listen('chat:a', namespace)
    expect(there.subscribe).toHaveBeenCalledTimes(1)
    const say = async (client: string): Promise<void> => {
      here.joinLeave.tell('chat:a', namespace, 'join', infoOf(client))
      await clock.advanceAsync(gatherMs)
    }
    there.joinLeave.unlisten('chat:a')
    there.joinLeave.unlisten('chat:a')
    await say('1')
    expect(there.told).toHaveLength(1) // once for the topic, not once per subscriber
    there.joinLeave.unlisten('chat:a')
    await say('2')
    expect(there.told).toHaveLength(1)
    there.joinLeave.unlisten('chat:a') // one time too many
    there.joinLeave.listen('chat:a', namespace)
    expect(there.subscribe).toHaveBeenCalledTimes(2)
    await say('3')
    expect(there.told).toHaveLength(2)
  })
})

describe('stop', () => {
  it('says what was gathered, hears nothing more and leaves no timer', async () => {
    const { clock, node } = startMesh()
    const [here, there] = [node(), node()]
    for (const each of [here, there]) each.joinLeave.listen('chat:a', namespace)
    here.joinLeave.tell('chat:a', namespace, 'leave', infoOf('1'))
    here.joinLeave.tell('chat:b', namespace, 'leave', infoOf('1'))
    here.joinLeave.stop()
    await settled()
    expect(here.publish).toHaveBeenCalledTimes(2)
    expect(there.told.map(({ event }) => event)).toEqual(['1 leaves chat:a'])
    expect([here.told, clock.pendingTimers]).toEqual([[], 0])
  })
})
