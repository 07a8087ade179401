import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createNatsBroker, type Broker } from '@natter/broker'
import { eventually, leakCheck, startNatsServer, startProcess, type NatsServer } from '@natter/testing'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClientError, HookCaller, type HookEvent } from '../src/index.js'
import {
  answering,
  caller,
  connect,
  emptyTable,
  hanging,
  namesIn,
  publish,
  record,
  rpc,
  startApp,
  subscribe,
  type StartApp,
  type TestApp,
} from './apps.js'

/** Short, so that timeouts don't make the tests long. */
const deadlineMs = 450

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
  prefix = `hooks${count}`
})
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

async function connectBroker(name: string): Promise<Broker> {
  const broker = await createNatsBroker({ urls: [nats.url], prefix, name })
  closers.push(() => broker.close())
  return broker
}

async function app(name: string, options: Partial<StartApp> = {}): Promise<TestApp> {
  const started = await startApp(name, { broker: await connectBroker(name), ...options })
  closers.push(() => started.app.stop())
  return started
}

async function gateway() {
  const broker = await connectBroker('g1')
  const hooks = new HookCaller({ broker, deadlineMs })
  const seen = record(hooks.events)
  await hooks.start()
  closers.push(() => hooks.stop())
  return { hooks, seen, broker }
}

const isThere = ({ hooks }: { hooks: HookCaller }, instances: number): Promise<unknown> =>
  eventually(async () => {
    if (hooks.instances.length !== instances) return false
    await hooks.ask(connect)
    return true
  })

const outcome = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'ok',
    (error: unknown) => (error instanceof ClientError ? error.code : error),
  )

/** Connects, subscribes and rpcs, some at a time. */
async function load(
  hooks: HookCaller,
  rounds: number,
): Promise<{ harmless: Set<unknown>; rpc: Set<unknown> }> {
  const [harmless, rpcs] = [new Set<unknown>(), new Set<unknown>()]
  for (let i = 0; i < rounds; i += 1) {
    const asked = [hooks.ask(connect), hooks.ask(subscribe()), hooks.ask(rpc()), hooks.ask(rpc())]
    const [first, second, third, fourth] = await Promise.all(asked.map((one) => outcome(one)))
    harmless.add(first).add(second)
    rpcs.add(third).add(fourth)
  }
  return { harmless, rpc: rpcs }
}

describe('with one of three instances hung, over NATS', () => {
  it('no connect and no subscribe fails, and no rpc after its first two timeouts: handlers hang, beats go on', async () => {
    const hung = await app('hung')
    await app('b')
    await app('c')
    const test = await gateway()
    await isThere(test, 3)
    hung.handle = hanging
    const before = await outOf(test)
    expect(before.harmless).toEqual(new Set(['ok']))
    const after = await load(test.hooks, 300)
    expect(after).toEqual({ harmless: new Set(['ok']), rpc: new Set(['ok']) })
    hung.handle = answering('hung')
  })

  it('nor when its process stands still, nor after that has gone on', async () => {
    await app('b')
    await app('c')
    const child = await startProcess({
      args: [join(import.meta.dirname, 'app-process.ts'), nats.url, prefix, 'still'],
    })
    closers.push(() => child.kill('SIGKILL'))
    await child.waitForLine((line) => line === 'ready')
    const test = await gateway()
    await isThere(test, 3)
    process.kill(child.pid, 'SIGSTOP')
    await eventually(() => /^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8')))
    expect((await outOf(test)).harmless).toEqual(new Set(['ok']))
    expect(await load(test.hooks, 200)).toEqual({ harmless: new Set(['ok']), rpc: new Set(['ok']) })
    process.kill(child.pid, 'SIGCONT')
    await eventually(() => test.hooks.instances.some(({ name, isOut }) => name === 'still' && !isOut), {
      timeoutMs: 15_000,
    })
    expect(await load(test.hooks, 200)).toEqual({ harmless: new Set(['ok']), rpc: new Set(['ok']) })
  })

  /** Asks until the hung one has had its two timeouts. */
  async function outOf({ hooks, seen }: Awaited<ReturnType<typeof gateway>>) {
    const harmless = new Set<unknown>()
    for (let round = 0; namesIn(seen, 'app:left-out').length === 0 && round < 100; round += 1) {
      const part = await load(hooks, 1)
      for (const one of part.harmless) harmless.add(one)
    }
    expect(namesIn(seen, 'app:left-out')).toHaveLength(1)
    return { harmless }
  }
})

describe('apps over NATS', () => {
  it('that claim one hook at the same moment: one answers, the other is refused with both names', async () => {
    const table = { ...emptyTable, connection: ['connect'] } as const
    const started = await Promise.allSettled([
      app('door-1', { app: 'door', table }),
      app('gate-1', { app: 'gate', table }),
    ])
    const refused = started.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []))
    expect(refused).toHaveLength(1)
    expect(refused[0]).toMatchObject({ code: 'handler-taken' })
    for (const name of ['door', 'gate']) expect(refused[0]?.message).toContain(name)
  })

  it('whose instances are all replaced answer every hook: what reaches one that leaves is passed on', async () => {
    let apps = [await app('a-0'), await app('b-0')]
    const test = await gateway()
    await isThere(test, 2)
    const outcomes = new Set<unknown>()
    const replacing = new AbortController()
    const asking = Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        while (!replacing.signal.aborted)
          outcomes.add(await outcome(i % 2 === 0 ? test.hooks.ask(rpc()) : test.hooks.ask(publish())))
      }),
    )
    for (let round = 1; round <= 5; round += 1) {
      const next = [await app(`a-${round}`), await app(`b-${round}`)]
      for (const old of apps) {
        await old.app.drain()
        await old.app.stop()
      }
      apps = next
    }
    replacing.abort()
    await asking
    expect(outcomes).toEqual(new Set(['ok']))
    expect(apps.every(({ asked }) => asked.length > 0)).toBe(true)
  })

  it('hear each event once though an instance dies with some of them at work', async () => {
    const deaf = await app('deaf')
    deaf.hear = () => new Promise(() => {})
    const test = await gateway()
    await isThere(test, 1)
    const events = Array.from({ length: 20 }, (_, i): HookEvent => {
      return { kind: 'disconnect', id: `${i}`, atMs: 0, caller, code: 3_000, reason: '' }
    })
    const told = events.map((event) => test.hooks.tell(event))
    await eventually(() => deaf.heard.length === 20)
    await deaf.app.stop()
    const sound = await app('sound')
    expect(new Set(await Promise.all(told))).toEqual(new Set(['heard']))
    expect(sound.heard.map(({ id }) => Number(id)).toSorted((a, b) => a - b)).toEqual(events.map((_, i) => i))
  })
})

describe('a gateway whose NATS was restarted', () => {
  it('knows its apps again and asks them, and what is demanded stayed so meanwhile', async () => {
    await app('a')
    const test = await gateway()
    await isThere(test, 1)
    const isBack = new Promise<void>((resolve) => test.broker.events.on('broker:reconnect', () => resolve()))
    await nats.restart()
    expect(test.hooks.isDemanded('publish', 'chat')).toBe(true)
    await isBack
    await test.hooks.resume()
    await eventually(async () => (await outcome(test.hooks.ask(publish()))) === 'ok')
    expect(namesIn(test.seen, 'app:down')).toEqual([])
  })
})
