import { describe, expect, it, jest } from '@jest/globals'
import { namespaceSchema, resolveNamespace, type Features, type Namespace } from '@natter/auth'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { Hub } from '@natter/hub'
import { TypedEvents } from '@natter/primitives'
import type { ClientInfo } from '@natter/protocol'
import { ManualClock } from '@natter/testing'
import { MemorySocketServer, type Socket } from '@natter/transport'
import fc from 'fast-check'
import { z } from 'zod'
import { Connection } from '../connection/connection.js'
import { Subscription } from '../connection/subscription.js'
import { websocketWires } from '../connection/wire.js'
import type { GatewayEvents } from '../gateway.events.js'
import { JoinLeave } from './join-leave.js'
import { Peers } from './peers.js'
import { Presence } from './presence.js'

const timeoutMs = 1_000
const schema = namespaceSchema({ duration: z.number() })
const seen = resolveNamespace('chat', schema.parse({ presence: true }))
const unseen = resolveNamespace('quiet', schema.parse({ presence: false }))
const told = resolveNamespace('told', schema.parse({ presence: true, join_leave: true }))

const features: Features = { positioned: false, recoverable: false, pushesJoinLeave: false }

const settled = (): Promise<void> => new Promise(setImmediate)

/** Sockets nobody looks at: presence asks the hub alone. */
async function openSocket(): Promise<Socket<Connection>> {
  return new Promise((resolve) => {
    const server = new MemorySocketServer<Connection>(
      { host: '127.0.0.1', port: 0 },
      {
        onUpgrade: () => ({ accept: true }),
        onOpen: resolve,
        onMessage() {},
        onDrain() {},
        onClose() {},
      },
    )
    void server.listen().then(() => server.connect())
  })
}

async function startMesh() {
  const clock = new ManualClock(0)
  const mesh = new MemoryMesh()
  const socket = await openSocket()
  const node = (name: string, { answers = true } = {}) => {
    const broker = new MemoryBroker(mesh, clock)
    const hub = new Hub<Connection, Subscription>()
    const peers = new Peers(broker, mesh.subjects.presenceBeat, name, clock, new TypedEvents<GatewayEvents>())
    const joinLeave = new JoinLeave(broker, { announce() {} }, clock, (...of) =>
      mesh.subjects.presence(...of),
    )
    const options = { node: name, askSubject: mesh.subjects.presenceAsk, timeoutMs }
    const presence = new Presence(broker, hub, peers, joinLeave, options)
    peers.start()
    if (answers) presence.start()
    const put = (client: string, namespace: Namespace = seen, info: ClientInfo = { user: 'ana', client }) => {
      const connection = new Connection(client, socket, websocketWires.json, new ManualClock(), 1, () => {})
      hub.add(connection)
      const subscription = new Subscription('chat:a', namespace, info, features)
      hub.subscribe(connection, 'chat:a', subscription)
      return subscription
    }
    return {
      ask: jest.spyOn(broker.bus, 'ask'),
      broker,
      joinLeave,
      peers,
      presence,
      put,
      members: async () => [...(await presence.members('chat:a')).keys()].toSorted(),
    }
  }
  return { clock, mesh, node }
}

describe('who is in a channel', () => {
  it('are the joined alone: not who is still pending, nor who has left', async () => {
    const { node } = await startMesh()
    const { members, put } = node('a')
    const subscription = put('1')
    expect(await members()).toEqual([])
    subscription.joined()
    expect(await members()).toEqual(['1'])
    subscription.end()
    expect(await members()).toEqual([])
  })

  it('are not told where the namespace has no presence, neither here nor to another node', async () => {
    const { node } = await startMesh()
    const [a, b] = [node('a'), node('b')]
    a.put('1', unseen).joined()
    b.put('2', unseen).joined()
    await settled()
    expect(await a.members()).toEqual([])
  })

  it('are those of all nodes, each once, with what is known of them', async () => {
    const { node } = await startMesh()
    const [a, b, c] = [node('a'), node('b'), node('c')]
    const info = { user: 'ben', client: '2', connInfo: new TextEncoder().encode('{"name":"Bén"}') }
    a.put('1').joined()
    b.put('2', seen, info).joined()
    b.put('3')
    c.put('4').joined()
    await settled()
    expect(await a.members()).toEqual(['1', '2', '4'])
    const known = (await c.presence.members('chat:a')).get('2')
    expect([known?.user, Buffer.from(known?.connInfo ?? '').toString()]).toEqual(['ben', '{"name":"Bén"}'])
    expect([...(await a.presence.members('chat:b')).keys()]).toEqual([])
  })
})

describe('the question to the others', () => {
  it('ends when all that are known have answered: no wait for the timeout', async () => {
    const { clock, node } = await startMesh()
    const [a, b] = [node('a'), node('b')]
    node('c')
    b.put('2').joined()
    await settled()
    const timers = clock.pendingTimers
    expect(await a.members()).toEqual(['2'])
    expect([clock.now(), clock.pendingTimers]).toEqual([0, timers])
  })

  it('costs at most the timeout when a node is silent, and the others’ answers count', async () => {
    const { clock, node } = await startMesh()
    const [a, b, silent] = [node('a'), node('b'), node('silent', { answers: false })]
    a.put('1').joined()
    b.put('2').joined()
    silent.put('3').joined()
    await settled()
    let found: string[] | undefined
    void a.members().then((members) => (found = members))
    await clock.advanceAsync(timeoutMs - 1)
    expect(found).toBeUndefined()
    await clock.advanceAsync(1)
    await settled()
    expect(found).toEqual(['1', '2'])
  })

  it('is not put when nobody else is there, or while NATS is away: what is known here is the answer', async () => {
    const { node } = await startMesh()
    const a = node('a')
    a.put('1').joined()
    expect(await a.members()).toEqual(['1'])
    node('b').put('2').joined()
    await settled()
    a.broker.disconnect()
    expect(await a.members()).toEqual(['1'])
    expect(a.ask).not.toHaveBeenCalled()
  })

  it('is not waited for by a node that said goodbye', async () => {
    const { clock, node } = await startMesh()
    const [a, b, gone] = [node('a'), node('b'), node('gone', { answers: false })]
    b.put('2').joined()
    await settled()
    gone.peers.stop()
    await settled()
    expect(await a.members()).toEqual(['2'])
    expect(clock.now()).toBe(0)
  })

  it('survives answers that are none of ours', async () => {
    const { mesh, node } = await startMesh()
    const [a, b] = [node('a'), node('b')]
    b.put('2').joined()
    await settled()
    const texts = [
      '',
      'null',
      '7',
      '{"node":"x"}',
      '{"node":"x","members":["y",1,null]}',
      '{"node":"x","members":7}',
    ]
    b.broker.bus.subscribe(mesh.subjects.presenceAsk, (message) => {
      for (const text of texts) message.respond(new TextEncoder().encode(text))
    })
    expect(await a.members()).toEqual(['2'])
  })
})

describe('an answer', () => {
  it('weighs at most 900 kB, because NATS takes no more than a megabyte; members beyond are left out', async () => {
    const crowds = fc.tuple(fc.constantFrom('x', '"', '\\', 'é'), fc.constantFrom(0, 100, 3_000, 60_000))
    await fc.assert(
      fc.asyncProperty(crowds, async ([unit, size]) => {
        const { mesh, node } = await startMesh()
        const [asker, crowded] = [node('asker'), node('crowded')]
        const connInfo = new TextEncoder().encode(JSON.stringify(unit.repeat(size / 4)))
        const count = Math.ceil(2_000_000 / (size + 60))
        for (let n = 0; n < count; n += 1)
          crowded.put(String(n), seen, { user: 'ana', client: String(n), connInfo }).joined()
        let bytes = 0
        let members = 0
        await asker.broker.bus.ask(
          mesh.subjects.presenceAsk,
          new TextEncoder().encode('{"channel":"chat:a"}'),
          {
            timeoutMs,
            onReply(body) {
              const answer = JSON.parse(Buffer.from(body).toString()) as { node: string; members: string[] }
              if (answer.node !== 'crowded') return false
              bytes = body.length
              members = answer.members.length
              return true
            },
          },
        )
        expect(bytes).toBeLessThanOrEqual(900_000)
        expect(members).toBeGreaterThan(0)
        expect(members).toBeLessThan(count)
      }),
      { numRuns: 8 },
    )
  })

  it('is not given to what is no question', async () => {
    const { clock, mesh, node } = await startMesh()
    const [asker] = [node('asker'), node('a')]
    const replies: Uint8Array[] = []
    for (const text of ['', 'null', '{}', '{"channel":7}']) {
      const asking = asker.broker.bus.ask(mesh.subjects.presenceAsk, new TextEncoder().encode(text), {
        timeoutMs,
        onReply: (body) => replies.push(body) > 0,
      })
      await clock.advanceAsync(timeoutMs)
      await asking
    }
    expect(replies).toEqual([])
  })
})

describe('a subscription that comes and goes', () => {
  it('is told where its namespace tells, and listens only if it asked for it', async () => {
    const { node } = await startMesh()
    const { joinLeave, presence } = node('a')
    const calls: unknown[][] = []
    for (const verb of ['tell', 'listen', 'unlisten'] as const)
      jest.spyOn(joinLeave, verb).mockImplementation((...args: unknown[]) => void calls.push([verb, ...args]))
    const info = { user: 'ana', client: '1' }
    const silent = new Subscription('chat:a', seen, info, features)
    presence.joined(silent)
    presence.left(silent)
    expect(calls).toEqual([])
    const curious = new Subscription('told:a', told, info, { ...features, pushesJoinLeave: true })
    presence.joined(curious)
    presence.left(curious)
    expect(calls).toEqual([
      ['listen', 'told:a', told],
      ['tell', 'told:a', told, 'join', info],
      ['unlisten', 'told:a'],
      ['tell', 'told:a', told, 'leave', info],
    ])
  })
})
