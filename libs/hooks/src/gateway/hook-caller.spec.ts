import { describe, expect, it } from '@jest/globals'
import type { Broker } from '@natter/broker'
import {
  answering,
  caller,
  chatTable,
  connect,
  emptyTable,
  hanging,
  memoryApps,
  namesIn,
  publish,
  rpc,
  subscribe,
  type TestApp,
} from '../../test/apps.js'
import { decodeToApp, encodeBeat, encodeFromApp, encodeToApp } from '../app-wire.js'
import { hashOf } from '../apps-record.js'
import type { HookEvent, HookReply } from '../hooks.js'
import { ClientError } from '../refusals.js'
import { HookCaller } from './hook-caller.js'

/** The code of what it rejects with; what it resolves with otherwise. */
const codeOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.catch((error: unknown) => (error instanceof ClientError ? error.code : error))

describe('a hook', () => {
  it('is answered by an instance that is there, data byte for byte', async () => {
    const mesh = memoryApps()
    const { hooks } = await mesh.gateway()
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => i % 256)
    const app = await mesh.app('one', { handle: () => ({ decision: { data: bytes } }) })
    await mesh.clock.advanceAsync(0)
    const decision = await hooks.ask({ ...publish(), data: bytes })
    expect(Buffer.from(decision.data ?? '')).toEqual(Buffer.from(bytes))
    expect(app.asked).toEqual([{ ...publish(), data: bytes }])
  })

  it.each<[HookReply, object]>([
    [
      {
        error: {
          code: 403,
          message: 'muted',
          temporary: true,
          details: [{ path: 'text', message: 'too long' }],
        },
      },
      { code: 403, message: 'muted', temporary: true, details: [{ path: 'text', message: 'too long' }] },
    ],
    [{ disconnect: { code: 4_501, reason: 'banned' } }, { code: 4_501, reason: 'banned' }],
  ])('refused by the app is refused with what the app said: %j', async (reply, error) => {
    const mesh = memoryApps()
    await mesh.app('one', { handle: () => reply })
    const { hooks } = await mesh.gateway()
    await expect(hooks.ask(publish())).rejects.toMatchObject(error)
  })

  it('whose handler has a bug is answered 100, without a word about the bug', async () => {
    const mesh = memoryApps()
    const handle = (): never => {
      throw new Error('password is hunter2')
    }
    await mesh.app('one', { handle })
    const { hooks } = await mesh.gateway()
    await expect(hooks.ask(publish())).rejects.toMatchObject({ code: 100, message: 'internal server error' })
  })

  it('whose answer means more than was said is answered 100, and the operator is told what is wrong with it', async () => {
    const mesh = memoryApps()
    const decision = { grant: { publish: 'allow', forMs: '60000' } } as unknown as object
    await mesh.app('one', { handle: () => ({ decision }) })
    const { hooks } = await mesh.gateway()
    const told: unknown[] = []
    hooks.events.on('hook:failed', ({ error }) => told.push((error as Error).message))
    await expect(hooks.ask(subscribe())).rejects.toMatchObject({ code: 100, temporary: true })
    expect(told).toEqual([expect.stringContaining('grant forMs is not a number')])
  })

  it('that an app has claimed is refused with 100 while no instance is there, never allowed and never silent (H1)', async () => {
    const mesh = memoryApps()
    const app = await mesh.app('one')
    const { hooks, seen } = await mesh.gateway()
    await app.app.stop()
    expect(hooks.isDemanded('publish', 'chat')).toBe(true)
    await expect(hooks.ask(publish())).rejects.toMatchObject({ code: 100, temporary: true })
    expect(namesIn(seen, 'app:down')).toEqual([{ app: 'chat', instance: 'one', reason: 'goodbye' }])
  })

  it('on its way to an instance that has just left goes to another one, though the goodbye is heard first (E5, Q2)', async () => {
    const mesh = memoryApps()
    const leaver = mesh.broker()
    const { subjects } = mesh.mesh
    const hash = hashOf(chatTable)
    const says = (kind: 'beat' | 'goodbye'): void =>
      leaver.bus.publish(
        subjects.appBeat,
        encodeBeat({
          kind,
          app: 'chat',
          instance: 'leaver',
          life: 'l',
          hash,
          pending: 0,
          isDraining: kind === 'goodbye',
        }),
      )
    leaver.bus.subscribe(subjects.toApp('leaver'), (message) => {
      const asked = decodeToApp(message.body)
      if (asked.kind === 'describe')
        message.respond(encodeFromApp({ kind: 'table', app: 'chat', hash, table: chatTable }))
      if (asked.kind !== 'hook') return
      says('goodbye')
      mesh.clock.setTimer(() => message.respond(encodeFromApp({ kind: 'away' })), 20)
    })
    const { hooks } = await mesh.gateway()
    says('beat')
    await mesh.clock.advanceAsync(0)
    await mesh.app('other')
    await mesh.clock.advanceAsync(0)
    const outcomes = [codeOf(hooks.ask(publish())), codeOf(hooks.ask(publish()))] // least busy first: one each
    await mesh.clock.advanceAsync(100)
    const decided = { data: Buffer.from('other') }
    expect(await Promise.all(outcomes)).toMatchObject([decided, decided])
  })

  it('beyond the limit is answered 111 at once, and the others go on (H2)', async () => {
    const mesh = memoryApps()
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const handle = async (): Promise<HookReply> => {
      await gate
      return { decision: {} }
    }
    await mesh.app('one', { handle })
    const { hooks } = await mesh.gateway({ maxInFlight: 2 })
    const first = [hooks.ask(publish()), hooks.ask(publish())]
    await expect(hooks.ask(publish())).rejects.toMatchObject({ code: 111, temporary: true })
    open()
    await Promise.all(first)
    await hooks.ask(publish())
    expect(hooks.pending).toBe(0)
  })

  it('without an answer is refused with 100 at the deadline, and its handler learns that nobody waits', async () => {
    const mesh = memoryApps()
    let signal: AbortSignal | undefined
    await mesh.app('one', {
      handle: (_, given) => {
        signal = given
        return new Promise(() => {})
      },
    })
    const { hooks } = await mesh.gateway()
    const asked = codeOf(hooks.ask(publish()))
    await mesh.clock.advanceAsync(2_999)
    expect(signal?.aborted).toBe(false)
    await mesh.clock.advanceAsync(1)
    expect(await asked).toBe(100)
    expect(signal?.aborted).toBe(true)
  })
})

describe('what must be asked', () => {
  it('is what the record of the apps says, also of apps that came later', async () => {
    const mesh = memoryApps()
    const { hooks } = await mesh.gateway()
    const all = (): unknown[] => [
      hooks.demandsConnection('connect'),
      hooks.isDemanded('publish', 'chat'),
      hooks.isDemanded('publish', 'game'),
      hooks.isDemanded('history', 'chat'),
      hooks.rpcState('add'),
      hooks.rpcState('constructor'),
      hooks.wants('disconnect'),
      hooks.wants('vacated', 'chat'),
      hooks.wants('vacated', 'game'),
    ]
    expect(all()).toEqual([false, false, false, false, 'none', 'none', [], [], []])
    await mesh.app('one')
    await mesh.clock.advanceAsync(0)
    expect(all()).toEqual([true, true, false, false, 'known', 'unknown', ['group'], ['all'], []])
  })

  it('is known before a gateway has started: it can not let anybody in by mistake', async () => {
    const mesh = memoryApps()
    const app = await mesh.app('one')
    await app.app.stop()
    const { hooks } = await mesh.gateway()
    expect(hooks.demandsConnection('connect')).toBe(true)
  })

  it('stays demanded when the record is broken, and a gateway can not start on a broken one, however often it tries (D1)', async () => {
    const mesh = memoryApps()
    await mesh.app('one')
    const { hooks, broker } = await mesh.gateway()
    const entry = await broker.registry.get('apps')
    await broker.registry.update('apps', Buffer.from('{"apps":{"chat":{}}}'), entry?.revision ?? 0)
    await mesh.clock.advanceAsync(0)
    expect(hooks.isDemanded('publish', 'chat')).toBe(true)
    await expect(hooks.resume()).rejects.toMatchObject({ code: 'bad-apps-record' })
    const later = new HookCaller({ broker, clock: mesh.clock })
    for (let attempt = 0; attempt < 2; attempt += 1)
      await expect(later.start()).rejects.toMatchObject({ code: 'bad-apps-record' })
    later.stop()
  })

  it('stays demanded when the record is lost with the disk of NATS, and is written again by the app that came back', async () => {
    const mesh = memoryApps()
    const broker = mesh.broker()
    await mesh.app('one', { broker })
    const { hooks } = await mesh.gateway()
    mesh.mesh.wipe()
    await hooks.resume()
    expect(hooks.isDemanded('publish', 'chat')).toBe(true)
    broker.disconnect()
    broker.reconnect()
    await mesh.clock.advanceAsync(0)
    const later = await mesh.gateway()
    expect(later.hooks.isDemanded('publish', 'chat')).toBe(true)
  })

  it('tells an unknown rpc from a mesh without any: 104 and 108', async () => {
    const mesh = memoryApps()
    const { hooks } = await mesh.gateway()
    await expect(hooks.ask(rpc())).rejects.toMatchObject({ code: 108 })
    await mesh.app('one')
    await mesh.clock.advanceAsync(0)
    await expect(hooks.ask(rpc('other'))).rejects.toMatchObject({ code: 104 })
  })

  it('is asked of the app that claimed it, whoever else is there', async () => {
    const mesh = memoryApps()
    const other = await mesh.app('other', {
      app: 'stats',
      table: { ...emptyTable, namespaces: { chat: ['history'] } },
    })
    await mesh.app('one')
    const { hooks } = await mesh.gateway()
    expect(await hooks.ask(connect)).toEqual({ user: 'one' })
    expect(other.asked).toEqual([])
  })

  it('is not asked of an instance of an older build that does not answer it', async () => {
    const mesh = memoryApps()
    const old = await mesh.app('old', { table: { ...chatTable, connection: [] } })
    await mesh.app('new')
    const { hooks } = await mesh.gateway()
    await hooks.ask(connect)
    expect(old.asked).toEqual([])
  })
})

/** Events that it works on for ever: it announces more in work than a hung one. */
function keepBusy(broker: Broker, one: TestApp): void {
  one.hear = () => new Promise(() => {})
  for (let i = 0; i < 5; i += 1) {
    const event: HookEvent = { kind: 'disconnect', id: `${i}`, atMs: 0, caller, code: 3_000, reason: '' }
    const told = encodeToApp({ kind: 'event', withinMs: 10_000, scope: 'group', event })
    broker.bus.publish(broker.subjects.toApp(one.name), told)
  }
}

describe('with one of three instances hung', () => {
  async function threeWithOneHung() {
    const mesh = memoryApps()
    const hung = await mesh.app('a-hung', { handle: hanging })
    const sound = [await mesh.app('b'), await mesh.app('c')]
    const { hooks, seen } = await mesh.gateway()
    return { ...mesh, hooks, seen, hung, sound }
  }

  /** Asks one after the other, each with as much time as it takes, on instances that all look idle. */
  async function askAll(
    { clock, hooks }: Awaited<ReturnType<typeof threeWithOneHung>>,
    requests: readonly (typeof connect | ReturnType<typeof rpc> | ReturnType<typeof subscribe>)[],
  ): Promise<unknown[]> {
    const answers: unknown[] = []
    for (const request of requests) {
      const asked = hooks.ask(request).then(
        () => answers.push('ok'),
        (error: ClientError) => answers.push(error.code),
      )
      const count = answers.length + 1
      for (let waitedMs = 0; answers.length < count && waitedMs < 5_000; waitedMs += 100)
        await clock.advanceAsync(100)
      await asked
    }
    return answers
  }

  it('no connect and no subscribe ever fails: a second instance is asked after a third of the deadline', async () => {
    const test = await threeWithOneHung()
    const requests = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? connect : subscribe()))
    expect(new Set(await askAll(test, requests))).toEqual(new Set(['ok']))
    expect(test.hung.asked.length).toBeGreaterThan(0)
  })

  it('no rpc fails after its first two timeouts, though it beats on, answers probes and looks idle (H4)', async () => {
    const test = await threeWithOneHung()
    for (const one of test.sound) keepBusy(test.broker(), one)
    await test.clock.advanceAsync(1_000) // they say so
    const first = Array.from({ length: 4 }, () => codeOf(test.hooks.ask(rpc()))) // one each, then the least busy again
    await test.clock.advanceAsync(3_000)
    expect(test.hung.asked).toHaveLength(2)
    expect((await Promise.all(first)).filter((one) => one === 100)).toHaveLength(2)
    const mixed = Array.from({ length: 120 }, (_, i) => (i % 4 === 0 ? connect : rpc()))
    expect(new Set(await askAll(test, mixed))).toEqual(new Set(['ok']))
    const tries = test.hung.asked.slice(2).map(({ kind }) => kind)
    expect(new Set(tries)).toEqual(new Set(['connect'])) // never with what may have effects
    const waits = namesIn(test.seen, 'hook:answer').map((one) => (one as { tookMs: number }).tookMs)
    expect(Math.max(...waits.slice(4))).toBe(0) // at nobody's cost
  })

  it('an idempotent rpc never fails, a publish is asked once and refused', async () => {
    const mesh = memoryApps()
    const hung = await mesh.app('a-hung', { handle: hanging })
    await mesh.app('b')
    const { hooks, seen } = await mesh.gateway()
    const listed = hooks.ask(rpc('list'))
    await mesh.clock.advanceAsync(1_000)
    expect(Buffer.from((await listed).data ?? '').toString()).toBe('b')
    await mesh.clock.advanceAsync(2_000)
    hung.asked.length = 0
    const both = [codeOf(hooks.ask(publish())), codeOf(hooks.ask(publish()))]
    await mesh.clock.advanceAsync(3_000)
    expect((await Promise.all(both)).toSorted()).toEqual([100, { data: expect.anything() as unknown }])
    expect(hung.asked).toHaveLength(1)
    expect(
      namesIn(seen, 'hook:ask').filter((one) => (one as { kind: string }).kind === 'publish'),
    ).toHaveLength(2)
  })

  it('it is back when it answers again, and that is told', async () => {
    const mesh = memoryApps()
    const hung = await mesh.app('a-hung', { handle: hanging })
    await mesh.app('b')
    const { hooks, seen } = await mesh.gateway()
    const asked = [hooks.ask(connect), hooks.ask(connect), hooks.ask(connect)]
    await mesh.clock.advanceAsync(3_000)
    await Promise.all(asked)
    expect(namesIn(seen, 'app:left-out')).toEqual([{ app: 'chat', instance: 'a-hung' }])
    hung.handle = answering('a-hung')
    await hooks.ask(connect)
    await mesh.clock.advanceAsync(0)
    expect(namesIn(seen, 'app:back')).toEqual([{ app: 'chat', instance: 'a-hung', outMs: 0 }])
    expect(hooks.instances.some(({ isOut }) => isOut)).toBe(false)
  })

  it('one that stands still is asked no more after its first two timeouts, nor after three seconds of silence', async () => {
    const mesh = memoryApps()
    const broker = mesh.broker()
    await mesh.app('a-still', { broker })
    await mesh.app('b')
    const { hooks, seen } = await mesh.gateway()
    broker.disconnect() // its subscription stays, nobody answers
    const first = codeOf(hooks.ask(rpc()))
    const second = codeOf(hooks.ask(rpc()))
    await mesh.clock.advanceAsync(3_000)
    expect([await first, await second].filter((one) => one === 100)).toHaveLength(1)
    await mesh.clock.advanceAsync(1_000)
    expect(namesIn(seen, 'app:down')).toEqual([{ app: 'chat', instance: 'a-still', reason: 'silent' }])
    for (let i = 0; i < 10; i += 1) await hooks.ask(rpc())
  })
})

describe('instances that come and go', () => {
  it('one that is leaving passes on what reaches it, a publish too: it certainly was not looked at', async () => {
    const mesh = memoryApps()
    const leaving = await mesh.app('a')
    const { hooks } = await mesh.gateway()
    await mesh.app('b')
    await mesh.clock.advanceAsync(0)
    const drained = leaving.app.drain() // asked in the turn in which it said so
    const answers = await Promise.all([hooks.ask(connect), hooks.ask(connect)])
    await drained
    expect(answers).toEqual([{ user: 'b' }, { user: 'b' }])
    expect(leaving.asked).toEqual([])
    const { data } = await hooks.ask(publish())
    expect(Buffer.from(data ?? '').toString()).toBe('b')
  })

  it('one that has gone without a word costs nobody an answer: nobody listens, so the next is asked at once', async () => {
    const mesh = memoryApps()
    const broker = mesh.broker()
    await mesh.app('a', { broker })
    await mesh.app('b')
    const { hooks } = await mesh.gateway()
    await broker.close()
    for (let i = 0; i < 5; i += 1)
      expect(Buffer.from((await hooks.ask(publish())).data ?? '').toString()).toBe('b')
  })

  it('another life of an instance is trusted anew: what the last one missed is not its own (E4)', async () => {
    const mesh = memoryApps()
    const hung = await mesh.app('a', { handle: hanging })
    const { hooks } = await mesh.gateway()
    const asked = [codeOf(hooks.ask(rpc())), codeOf(hooks.ask(rpc()))]
    await mesh.clock.advanceAsync(3_000)
    expect(await Promise.all(asked)).toEqual([100, 100])
    expect(hooks.instances).toEqual([{ app: 'chat', name: 'a', isReady: true, isOut: true }])
    await hung.app.stop()
    await mesh.app('a')
    await mesh.clock.advanceAsync(0)
    expect(hooks.instances).toEqual([{ app: 'chat', name: 'a', isReady: true, isOut: false }])
    await hooks.ask(rpc())
  })

  it('a gateway that was away from NATS forgets and mistrusts nobody for its own silence (E2)', async () => {
    const mesh = memoryApps()
    await mesh.app('a')
    const { hooks, seen, broker } = await mesh.gateway()
    const asked = [codeOf(hooks.ask(rpc())), codeOf(hooks.ask(rpc()))]
    broker.disconnect()
    await mesh.clock.advanceAsync(10_000)
    expect(await Promise.all(asked)).toEqual([100, 100])
    expect(await codeOf(hooks.ask(rpc()))).toBe(100)
    broker.reconnect()
    await hooks.resume()
    await hooks.ask(rpc())
    expect([...namesIn(seen, 'app:down'), ...namesIn(seen, 'app:left-out')]).toEqual([])
  })

  it('a gateway knows all instances a round trip after its start, not a beat later', async () => {
    const mesh = memoryApps()
    await mesh.app('a')
    await mesh.app('b')
    await mesh.clock.advanceAsync(300)
    const { hooks } = await mesh.gateway()
    expect(hooks.instances.map(({ name }) => name).toSorted()).toEqual(['a', 'b'])
    await hooks.ask(rpc())
  })
})
