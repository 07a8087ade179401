/** What was on its way in when somebody was revoked, or when nobody could know: each way in is held open for a moment, and must still be shut. */
import { describe, expect, it } from '@jest/globals'
import { createTokenVerifier, type TokenVerifier } from '@natter/auth'
import { MemoryBroker, type RecordsListener } from '@natter/broker'
import { systemClock, UnavailableError } from '@natter/primitives'
import { Disconnects } from '@natter/protocol'
import { encodeRevocation, keyOf } from '../src/revocation/revocation.js'
import { memoryBench } from './bench.js'
import { FakeApp, held } from './fake-app.js'
import { RawClient, startNode, type Incoming, type NodeOverrides, type TestNode } from './harness.js'
import { secret, tokenOf } from './wire-bench.js'

const put = { code: 100, temporary: true }

describe('who was on the way in', () => {
  const bench = memoryBench()

  /** `mesh` tells revocations; `written` holds what is written down of who comes in, and `writing` is when it is asked for. */
  async function start(hooks: FakeApp, overrides: NodeOverrides = {}) {
    const broker = new MemoryBroker(bench.mesh)
    let listener: RecordsListener | undefined
    Object.assign(broker.revocations, {
      follow: (next: RecordsListener) => {
        listener = next
        queueMicrotask(() => (next.begin(), next.caughtUp()))
        return { stop: () => {} }
      },
    })
    const node = await startNode(broker, { hooks, secret, ...overrides })
    bench.atEnd(() => node.stop())
    if (listener === undefined) throw new Error('nobody follows')
    const mesh = listener
    const block = (user: string): void => {
      const value = encodeRevocation({ kind: 'block', user })
      mesh.record({ key: keyOf('block', user), value, revision: 1 })
    }
    const written = held<number>()
    const { append } = broker.journal
    const writing = new Promise<void>((resolve) => {
      broker.journal.append = (...given) => (
        resolve(),
        written.answer.then(() => append.apply(broker.journal, given))
      )
    })
    return { node, mesh, block, written, writing }
  }

  const open = async ({ url }: TestNode, sub = 'ana'): Promise<RawClient> => {
    const client = await bench.keep(RawClient.open(url))
    client.start('connect', { token: await tokenOf({ sub }) })
    return client
  }
  const turns = async (count = 5): Promise<void> => {
    for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate)
  }

  it('[19.2] is asked about in the turn in which it comes in: a block while it is written down would find nobody later', async () => {
    const { node, block, written, writing } = await start(new FakeApp({}, ['disconnect']))
    const client = await open(node)
    await writing
    block('ana')
    await turns()
    written.give(1)
    expect(await client.close()).toEqual(Disconnects.permissionDenied)
    expect(client.received).toEqual([])
  })

  it('leaves nothing behind where it could not be written down: a user would be found in a connection that was refused', async () => {
    const { node, written, writing } = await start(new FakeApp({}, ['disconnect']))
    const client = await open(node)
    await writing
    expect(node.gateway.hub.connectionsOf('ana')).toHaveLength(1)
    written.fail(new UnavailableError('nats-away', 'away'))
    expect((await client.reply(1))['error']).toMatchObject(put)
    expect(node.gateway.hub.connectionsOf('ana')).toHaveLength(0)
  })

  it('[19.7] waits for the last reading that has begun, not for the first: between two the way was lost, and anybody may be blocked', async () => {
    const { node, mesh, block, written, writing } = await start(new FakeApp({}, ['disconnect']))
    const client = await open(node)
    await writing
    mesh.begin()
    written.give(1)
    await turns()
    mesh.caughtUp()
    mesh.away()
    mesh.begin()
    await turns()
    expect(client.received).toEqual([])
    block('ana')
    mesh.caughtUp()
    expect(await client.close()).toEqual(Disconnects.permissionDenied)
  })

  /** Ana is in, and from then on each token is looked at for as long as `gate` is held. */
  async function startGated() {
    const real = createTokenVerifier({ connection: { hmacSecret: secret }, clock: systemClock })
    let gate: Promise<unknown> | undefined
    const verifier: TokenVerifier = {
      ...real,
      verify: async (token) => (await gate, real.verify(token)),
      verifySubscription: async (token) => (await gate, real.verifySubscription(token)),
    }
    const started = await start(new FakeApp({ 'history room': () => ({}) }), { verifier })
    const client = await open(started.node)
    expect(await client.reply(1)).toHaveProperty('connect')
    return {
      ...started,
      client,
      hold: () => {
        const { answer, give } = held<void>()
        gate = answer
        return () => give()
      },
    }
  }

  it('[19.7] goes no further where the way was lost and found meanwhile: a token that is looked at, and what waits for one', async () => {
    const { mesh, client, hold } = await startGated()
    const token = await tokenOf({ sub: 'ana' })
    const tokenFor = (channel: string): Promise<string> => tokenOf({ sub: 'ana', channel })
    const refreshed = { channel: '$room:kept', token: await tokenFor('$room:kept') }
    expect(await client.call('subscribe', refreshed)).toHaveProperty('subscribe')
    const joining = { channel: 'room:a', token: await tokenFor('room:a') }
    const leaving = { channel: 'room:b', token: await tokenFor('room:b') }
    const release = hold()
    const asked: [string, number][] = []
    const ask = (method: string, request: object): void =>
      void asked.push([method, client.start(method, request)])
    ask('refresh', { token })
    ask('sub_refresh', refreshed)
    ask('subscribe', joining)
    ask('publish', { channel: 'room:a', data: 1 })
    ask('history', { channel: 'room:a', limit: 1 })
    client.start('subscribe', leaving)
    client.start('unsubscribe', { channel: 'room:b' })
    ask('subscribe', { channel: 'room:b' })
    await client.call('presence', { channel: 'deep:a' }) // all of them have begun
    mesh.begin()
    release()
    const replies: Record<string, Incoming>[] = []
    for (const [method, id] of asked) replies.push({ [method]: (await client.reply(id))['error'] })
    expect(replies).toMatchObject(asked.map(([method]) => ({ [method]: put })))
    expect(client.closed).toBeUndefined()
    mesh.caughtUp()
    const history = await client.call('history', { channel: 'room:a', limit: 10 })
    expect(history['history'].publications).toEqual([])
  })
})
