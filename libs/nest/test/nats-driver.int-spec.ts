import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createNatsBroker, type Broker } from '@natter/broker'
import { decodeApiRequest, encodeApiReply, HookCaller, type ApiRequest, type HookReply } from '@natter/hooks'
import { eventually, leakCheck, startNatsServer, type NatsServer } from '@natter/testing'
import type { AppSide, MeshDriver } from '../src/driver/mesh-driver.js'
import { createNatsDriver } from '../src/driver/nats/index.js'

let nats: NatsServer
let prefix = ''
let count = 0
const closers: (() => Promise<unknown> | void)[] = []
let noLeaks: ReturnType<typeof leakCheck>

beforeAll(async () => {
  noLeaks = leakCheck(2_000) // in a hook like its end: Jest's own timer counts on both sides
  nats = await startNatsServer()
})
afterAll(async () => {
  await nats.stop()
  await noLeaks()
})
beforeEach(() => {
  count += 1
  prefix = `driver${count}`
})
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

const data = Buffer.from('{"text":"hi"}')
const caller = { client: 'c1', user: 'bob', node: 'g1', headers: {}, ip: '' }

function sideOf(answer: () => Promise<HookReply>): AppSide {
  return {
    table: { connection: ['connect'], namespaces: {}, rpc: { add: { idempotent: false } }, events: [] },
    answer: answer as AppSide['answer'],
    hear: async () => {},
  }
}

const yes = sideOf(async () => ({ decision: { user: 'bob' } }))

function driver(app = 'chat'): MeshDriver {
  const made = createNatsDriver({ urls: [nats.url], prefix, app })
  closers.push(() => made.stop())
  return made
}

async function brokerOf(name: string): Promise<Broker> {
  const broker = await createNatsBroker({ urls: [nats.url], prefix, name })
  closers.push(() => broker.close())
  await broker.registry.get('apps') // as gateways do: the mesh is whole
  return broker
}

async function gateway(): Promise<HookCaller> {
  const hooks = new HookCaller({ broker: await brokerOf('g1') })
  await hooks.start()
  closers.push(() => hooks.stop())
  return hooks
}

describe('the driver of a real mesh', () => {
  it('answers hooks from its start on, and none after it has drained, while what is in work goes on', async () => {
    const hooks = await gateway()
    let finish = (): void => {}
    const gate = new Promise<void>((resolve) => (finish = resolve))
    let begin = (): void => {}
    const begun = new Promise<void>((resolve) => (begin = resolve))
    const app = driver()
    const side = sideOf(async () => {
      begin()
      await gate
      return { decision: { user: 'late' } }
    })
    await app.start(side)
    await eventually(() => hooks.demandsConnection('connect') && hooks.instances[0]?.isReady === true)
    const asked = hooks.ask({ kind: 'connect', caller })
    await begun
    await app.drain()
    await expect(hooks.ask({ kind: 'connect', caller })).rejects.toMatchObject({ code: 100 })
    finish()
    expect(await asked).toEqual({ user: 'late' })
  })

  it('publishes through a gateway', async () => {
    const broker = await brokerOf('g1')
    const got: ApiRequest[] = []
    broker.bus.subscribe(broker.subjects.apiOfNode('g1'), (message) => {
      got.push(decodeApiRequest(message.body))
      message.respond(encodeApiReply({ result: { position: { offset: 3, epoch: 'e' } } }))
    })
    await broker.bus.flush()
    const app = driver()
    await app.start(yes)
    const published = app.publish('chat:a', data, { idempotencyKey: 'k' })
    broker.bus.publish(broker.subjects.presenceBeat, Buffer.from('{"node":"g1","kind":"beat"}'))
    expect(await published).toEqual({ position: { offset: 3, epoch: 'e' } })
    expect(got).toEqual([{ kind: 'publish', channel: 'chat:a', data: new Uint8Array(data), key: 'k' }])
  })

  it('that may not start leaves nothing behind, and may try again when the other app is gone', async () => {
    await gateway()
    const first = driver('door')
    await first.start(yes)
    const second = driver('gate')
    await expect(second.start(yes)).rejects.toMatchObject({ code: 'handler-taken' })
    expect(second.isConnected).toBe(false)
    await expect(second.publish('chat:a', data, {})).rejects.toMatchObject({ code: 'not-started' })
    await second.start({ ...yes, table: { ...yes.table, connection: [], rpc: {} } })
    expect(second.isConnected).toBe(true)
  })

  it('that is stopped while it starts leaves the mesh again, and its start says so (N2)', async () => {
    const hooks = await gateway()
    const chat = driver()
    const started = chat.start(yes)
    await chat.stop()
    await expect(started).rejects.toMatchObject({ code: 'app-stopped' })
    expect([chat.isConnected, hooks.instances]).toEqual([false, []])
  })

  it('is refused a second start, and stops twice without a word', async () => {
    await gateway()
    const app = driver()
    await app.start(yes)
    await expect(app.start(yes)).rejects.toMatchObject({ code: 'started-twice' })
    await app.stop()
    await app.stop()
    expect(app.isConnected).toBe(false)
  })
})
