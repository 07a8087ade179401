import { describe, expect, it } from '@jest/globals'
import { caller, chatTable, emptyTable, hanging, memoryApps, rpc } from '../../test/apps.js'
import { decodeApiRequest } from '../api-wire.js'
import {
  decodeBeat,
  decodeFromApp,
  encodeToApp,
  type AppBeat,
  type FromApp,
  type ToApp,
} from '../app-wire.js'
import type { HookEvent, HookRequest } from '../hooks.js'
import { AppInstance, type AppCallbacks } from './app-instance.js'
import { ToldEvents } from './told-events.js'

/** All beats of the mesh, from now on. */
function beatsOf(mesh: ReturnType<typeof memoryApps>): AppBeat[] {
  const beats: AppBeat[] = []
  const { bus, subjects } = mesh.broker()
  bus.subscribe(subjects.appBeat, ({ body }) => {
    const beat = decodeBeat(body)
    if (beat !== undefined) beats.push(beat)
  })
  return beats
}

/** Asks instance `a` as a gateway does, with more patience: all that it answers. */
function rawGateway(mesh: ReturnType<typeof memoryApps>) {
  const { bus, subjects } = mesh.broker()
  const ask = (message: ToApp): FromApp[] => {
    const answers: FromApp[] = []
    const onReply = (body: Uint8Array): boolean => {
      answers.push(decodeFromApp(body))
      return false
    }
    void bus.ask(subjects.toApp('a'), encodeToApp(message), { timeoutMs: 60_000, onReply })
    return answers
  }
  return { ask }
}

describe('an instance of an app', () => {
  it('says each second that it is there and how much it has in work, and at once when it is called', async () => {
    const mesh = memoryApps()
    const beats = beatsOf(mesh)
    const app = await mesh.app('a', { handle: hanging })
    const { hooks, broker } = await mesh.gateway()
    void hooks.ask(rpc()).catch(() => {})
    await mesh.clock.advanceAsync(1_000)
    expect(beats.at(-1)).toMatchObject({ app: 'chat', instance: 'a', pending: 1, isDraining: false })
    const before = beats.length
    broker.bus.publish(broker.subjects.appCall, new Uint8Array())
    await mesh.clock.advanceAsync(0)
    expect(beats.length).toBe(before + 1)
    expect(app.app.pending).toBe(1)
  })

  it('that answers what another app does is refused before it is asked anything, and nobody hears of it (A1)', async () => {
    const mesh = memoryApps()
    await mesh.app('a')
    const beats = beatsOf(mesh)
    const table = { ...emptyTable, namespaces: { chat: ['publish'] } } as const
    await expect(mesh.app('b', { app: 'other', table })).rejects.toMatchObject({
      code: 'handler-taken',
      message: expect.stringMatching(/'other'.*publish of chat.*'chat'/) as unknown,
    })
    await mesh.clock.advanceAsync(0)
    expect(beats).toEqual([])
  })

  it('that drains takes nothing new and finishes what is in work (A2)', async () => {
    const mesh = memoryApps()
    let finish = (): void => {}
    const gate = new Promise<void>((resolve) => (finish = resolve))
    const app = await mesh.app('a', {
      handle: async () => {
        await gate
        return { decision: {} }
      },
    })
    const { hooks } = await mesh.gateway()
    const first = hooks.ask(rpc())
    await mesh.clock.advanceAsync(0)
    await app.app.drain()
    await expect(hooks.ask(rpc())).rejects.toMatchObject({ code: 100 })
    finish()
    await first
    expect(app.asked).toHaveLength(1)
  })

  it('that is stopped while it starts is not there: a process that ends at once leaves nothing', async () => {
    const mesh = memoryApps()
    const beats = beatsOf(mesh)
    const app = new AppInstance({ broker: mesh.broker(), app: 'chat', instance: 'a', clock: mesh.clock })
    const started = app.start({ table: chatTable, answer: hanging as never, hear: async () => {} })
    await app.stop()
    await expect(started).rejects.toMatchObject({ code: 'app-stopped' })
    await mesh.clock.advanceAsync(3_000)
    expect([beats, mesh.clock.pendingTimers]).toEqual([[], 0])
  })

  it('that has stopped leaves no timer and no subscription', async () => {
    const mesh = memoryApps()
    const app = await mesh.app('a')
    await app.app.stop()
    await app.app.stop()
    expect(mesh.clock.pendingTimers).toBe(0)
    const { bus, subjects } = mesh.broker()
    const fromMs = mesh.clock.now()
    await bus.ask(subjects.toApp('a'), Buffer.from('{}'), { timeoutMs: 9_000, onReply: () => true })
    expect(mesh.clock.now()).toBe(fromMs) // nobody listens
  })

  it('sends the progress of an rpc to the gateway of the caller, tagged with the call', async () => {
    const mesh = memoryApps()
    const { bus, subjects } = mesh.broker()
    const got: unknown[] = []
    bus.subscribe(subjects.apiOfNode('g1'), ({ body }) => got.push(decodeApiRequest(body)))
    const { hooks } = await mesh.gateway()
    const side: AppCallbacks = {
      table: chatTable,
      answer: (async (_: HookRequest, call: { progress(data: Uint8Array): void }) => {
        call.progress(Buffer.from('half'))
        return { decision: { data: Buffer.from('done') } }
      }) as AppCallbacks['answer'],
      hear: async () => {},
    }
    await new AppInstance({ broker: mesh.broker(), app: 'chat', clock: mesh.clock }).start(side)
    await mesh.clock.advanceAsync(0)
    await hooks.ask(rpc())
    const data = new Uint8Array(Buffer.from('half'))
    expect(got).toEqual([{ kind: 'progress', user: caller.user, call: 'c1:1', data }])
  })

  it('answers nothing after the deadline, and is overdue until its handler ends: the gateway has gone on (A3, A5)', async () => {
    const mesh = memoryApps()
    let finish = (): void => {}
    await mesh.app('a', {
      handle: () => new Promise((resolve) => (finish = () => resolve({ decision: {} }))),
    })
    const { ask } = rawGateway(mesh)
    const late = ask({ kind: 'hook', withinMs: 1_000, request: rpc() })
    await mesh.clock.advanceAsync(1_000)
    const during = ask({ kind: 'probe' })
    await mesh.clock.advanceAsync(0)
    finish()
    await mesh.clock.advanceAsync(0)
    const after = ask({ kind: 'probe' })
    await mesh.clock.advanceAsync(0)
    expect(late).toEqual([])
    expect([during, after]).toEqual([[{ kind: 'alive', overdue: 1 }], [{ kind: 'alive', overdue: 0 }]])
  })

  it('that drains says of a hook and of an event that it did not look: who asks goes elsewhere, and loses neither (A2)', async () => {
    const mesh = memoryApps()
    const app = await mesh.app('a')
    await app.app.drain()
    const { ask } = rawGateway(mesh)
    const event: HookEvent = { kind: 'disconnect', id: '1', atMs: 1, caller, code: 3_000, reason: '' }
    const answers = [
      ask({ kind: 'hook', withinMs: 1_000, request: rpc() }),
      ask({ kind: 'event', withinMs: 1_000, scope: 'group', event }),
    ]
    await mesh.clock.advanceAsync(0)
    expect(answers).toEqual([[{ kind: 'away' }], [{ kind: 'away' }]])
    expect([app.asked, app.heard]).toEqual([[], []])
  })

  it('lets garbage pass: it is told, and nothing breaks', async () => {
    const mesh = memoryApps()
    const app = await mesh.app('a')
    const { hooks, broker } = await mesh.gateway()
    const bad: unknown[] = []
    app.app.events.on('app:message:bad', ({ error }) => bad.push(error))
    for (const text of ['', 'x', '[', 'null', '{"kind":"hook"'])
      broker.bus.publish(broker.subjects.toApp('a'), Buffer.from(text))
    for (const text of ['', 'x', 'null', '{}', '{"app":"chat","instance":"z"}'])
      broker.bus.publish(broker.subjects.appBeat, Buffer.from(text))
    await mesh.clock.advanceAsync(0)
    expect(bad).toHaveLength(5)
    await hooks.ask(rpc())
    expect(hooks.instances).toHaveLength(1)
  })
})

describe('events that were told', () => {
  it('are remembered for two minutes, at most as many as allowed, and forgotten at once when they failed (T2)', async () => {
    const { clock } = memoryApps()
    const told = new ToldEvents(clock, { maxCount: 3, forMs: 120_000 })
    const ran: string[] = []
    const once = (id: string): Promise<void> => told.once(id, async () => void ran.push(id))
    await told.once('a', () => Promise.reject(new Error('no'))).catch(() => {})
    for (const id of ['a', 'a', 'b', 'c', 'd', 'a', 'd']) await once(id)
    expect(ran).toEqual(['a', 'b', 'c', 'd', 'a'])
    clock.advance(120_001)
    await once('d')
    expect(ran.at(-1)).toBe('d')
  })
})
