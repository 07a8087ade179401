import { describe, expect, it } from '@jest/globals'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { ManualClock } from '@natter/testing'
import { decodeApiRequest, encodeApiReply } from '../api-wire.js'
import type { ApiReply, ApiRequest, ApiResults } from '../api.js'
import { ApiClient } from './api-client.js'

type Serve = (request: ApiRequest) => ApiReply | 'silence'

const stored: ApiReply = { result: { position: { offset: 7, epoch: 'e' } } }
const data = Uint8Array.from([0, 10, 123, 255])

function startMesh() {
  const clock = new ManualClock()
  const mesh = new MemoryMesh()
  const broker = new MemoryBroker(mesh, clock)
  const client = new ApiClient({ broker, clock, random: () => 0 })
  client.start()
  /** Says that it is there, and answers. */
  const gateway = (node: string, serve: Serve = () => stored) => {
    const own = new MemoryBroker(mesh, clock)
    const got: ApiRequest[] = []
    own.bus.subscribe(mesh.subjects.apiOfNode(node), (message) => {
      const request = decodeApiRequest(message.body)
      got.push(request)
      const reply = serve(request)
      if (reply !== 'silence') message.respond(encodeApiReply(reply))
    })
    const say = (kind: string): void =>
      own.bus.publish(mesh.subjects.presenceBeat, Buffer.from(JSON.stringify({ node, kind })))
    say('beat')
    return { got, say, broker: own }
  }
  return { clock, broker, client, gateway }
}

const failed = (outcome: 'refused' | 'unavailable' | 'unknown', code = 100): ApiReply => ({
  error: { code, message: 'no', outcome },
})

describe('what an app asks of the mesh', () => {
  it('is asked of a gateway, data byte for byte, and answered with where it stands', async () => {
    const { client, gateway } = startMesh()
    const { got } = gateway('g1')
    expect(await client.publish('chat:a', data, { tags: { k: 'v' } })).toEqual({
      position: { offset: 7, epoch: 'e' },
    })
    expect(got).toEqual([
      {
        kind: 'publish',
        channel: 'chat:a',
        data,
        tags: { k: 'v' },
        key: expect.stringMatching(/.{16}/) as unknown,
      },
    ])
  })

  it.each<[ApiReply, string, string]>([
    [failed('refused', 107), 'InvalidError', 'bad-request'],
    [failed('refused', 102), 'InvalidError', 'unknown-channel'],
    [failed('refused', 103), 'DeniedError', 'permission-denied'],
    [failed('refused', 1_234), 'InvalidError', 'refused'],
    [failed('unavailable'), 'UnavailableError', 'gateway-unavailable'],
  ])('%j is a %s %s, at once', async (reply, name, code) => {
    const { client, gateway } = startMesh()
    const { got } = gateway('g1', () => reply)
    await expect(client.publish('chat:a', data)).rejects.toMatchObject({ name, code })
    expect(got).toHaveLength(1)
  })

  it('is asked of another gateway when the first is gone, cannot or does not know, under the same key: stored once (P1)', async () => {
    for (const reply of ['gone', failed('unavailable'), failed('unknown')] as const) {
      const { client, gateway } = startMesh()
      const first = gateway('g1', () => (reply === 'gone' ? 'silence' : reply))
      if (reply === 'gone') await new Promise(setImmediate).then(() => first.broker.close())
      const second = gateway('g2')
      await client.publish('chat:a', data)
      expect(second.got).toHaveLength(1)
      if (reply !== 'gone') expect(first.got).toEqual(second.got)
    }
  })

  it('is asked of another gateway when the first is silent, and ends after its time when all are', async () => {
    const { client, gateway, clock } = startMesh()
    const silent = gateway('g1', () => 'silence')
    const sound = gateway('g2')
    const published = client.publish('chat:a', data)
    await clock.advanceAsync(3_000)
    await published
    expect([silent.got, sound.got].map((got) => got.length)).toEqual([1, 1])
    expect(silent.got).toEqual(sound.got)
  })

  it.each([
    ['publish', 'UnknownOutcomeError'],
    ['history', 'UnavailableError'],
  ] as const)('a %s that no gateway answered is an %s (P3)', async (kind, name) => {
    const { client, gateway, clock } = startMesh()
    const beat = gateway('g1', () => 'silence')
    const asked =
      kind === 'publish' ? client.publish('c', data) : client.history('c', { limit: 1, isReverse: false })
    const ended = asked.catch((error: unknown) => error)
    for (let i = 0; i < 12; i += 1) {
      beat.say('beat')
      await clock.advanceAsync(1_000)
    }
    expect(await ended).toMatchObject({ name })
    expect(beat.got.length).toBeGreaterThan(1)
    expect(new Set(beat.got.map((one) => ('key' in one ? one.key : ''))).size).toBe(1)
  })

  it('is perhaps done when any gateway may have done it, whatever the last one said: a repeat with another key would double it (P3)', async () => {
    const { client, gateway } = startMesh()
    gateway('g1', () => failed('unknown'))
    gateway('g2', () => failed('unavailable'))
    await expect(client.publish('chat:a', data)).rejects.toMatchObject({ name: 'UnknownOutcomeError' })
    const its = startMesh()
    its.gateway('g1', () => failed('unavailable'))
    its.gateway('g2', () => failed('unknown'))
    await expect(its.client.publish('chat:a', data)).rejects.toMatchObject({ name: 'UnknownOutcomeError' })
  })

  it('waits for the first gateway to be heard from, and says so when none is', async () => {
    const { client, gateway, clock } = startMesh()
    const published = client.publish('chat:a', data)
    await clock.advanceAsync(2_000)
    gateway('g1')
    await published
    const lonely = startMesh()
    const nobody = lonely.client.publish('chat:a', data).catch((error: unknown) => error)
    await lonely.clock.advanceAsync(10_000)
    expect(await nobody).toMatchObject({ name: 'UnavailableError', code: 'no-gateway' })
  })

  it('is refused at once while NATS is away: certainly not sent', async () => {
    const { client, gateway, broker } = startMesh()
    gateway('g1')
    broker.disconnect()
    await expect(client.publish('chat:a', data)).rejects.toMatchObject({ code: 'nats-away' })
  })

  it('is not asked of a gateway that said goodbye or fell silent', async () => {
    const { client, gateway, clock } = startMesh()
    const leaver = gateway('g1')
    gateway('g2')
    await clock.advanceAsync(0)
    expect(client.nodes).toEqual(['g1', 'g2'])
    leaver.say('goodbye')
    await clock.advanceAsync(0)
    expect(client.nodes).toEqual(['g2'])
    await clock.advanceAsync(4_201)
    expect(client.nodes).toEqual([])
  })

  it('in many channels has an outcome for each, in their order', async () => {
    const { client, gateway } = startMesh()
    const outcomes: ApiResults['broadcast']['outcomes'] = [
      { position: { offset: 1, epoch: 'e' } },
      { error: { code: 102, message: 'no', outcome: 'refused' } },
    ]
    gateway('g1', () => ({ result: { outcomes } }))
    const got = await client.broadcast(['chat:a', 'none:b'], data)
    expect(got[0]).toEqual({ position: { offset: 1, epoch: 'e' } })
    expect(got[1]).toEqual({ error: expect.objectContaining({ code: 'unknown-channel' }) as unknown })
  })

  it('about who is there and what was said comes in the shapes that the wire has', async () => {
    const { client, gateway } = startMesh()
    const info = { user: 'bob', client: 'c1', connInfoJson: '{"n":1}' }
    gateway('g1', ({ kind }) =>
      kind === 'presence'
        ? { result: { members: [info] } }
        : {
            result: {
              publications: [{ dataBase64: Buffer.from(data).toString('base64'), offset: 3, info }],
              position: { offset: 3, epoch: 'e' },
            },
          },
    )
    const member = { user: 'bob', client: 'c1', connInfo: Buffer.from('{"n":1}') }
    expect(await client.presence('chat:a')).toEqual(new Map([['c1', member]]))
    const history = await client.history('chat:a', { limit: 1, isReverse: true })
    expect(history).toEqual({
      publications: [{ data: Buffer.from(data), offset: 3, info: member }],
      offset: 3,
      epoch: 'e',
    })
  })
})
