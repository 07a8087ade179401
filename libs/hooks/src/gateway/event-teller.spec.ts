import { describe, expect, it } from '@jest/globals'
import { caller, chatTable, emptyTable, memoryApps, namesIn, type TestApp } from '../../test/apps.js'
import type { HookEvent } from '../hooks.js'

const gone = (id: string): HookEvent => ({
  kind: 'disconnect',
  id,
  atMs: 1,
  caller,
  code: 3_000,
  reason: 'bye',
})
const vacated = (id: string): HookEvent => ({
  kind: 'vacated',
  id,
  atMs: 1,
  namespace: 'chat',
  channel: 'chat:a',
})
const message = (id: string, client = 'c1'): HookEvent => {
  return { kind: 'message', id, atMs: 1, caller: { ...caller, client }, data: Buffer.from(id) }
}
const ids = (apps: readonly TestApp[]): string[] => apps.flatMap(({ heard }) => heard.map(({ id }) => id))
const failing = (times: number): (() => Promise<void>) => {
  let left = times
  return async () => {
    left -= 1
    if (left >= 0) throw new Error('not now')
  }
}

describe('an event for a group', () => {
  it('is told once to one instance of each app that declared it, and to no other app', async () => {
    const mesh = memoryApps(Math.random)
    const chat = [await mesh.app('a'), await mesh.app('b')]
    const events = [{ kind: 'disconnect', scope: 'group' }] as const
    const stats = [await mesh.app('s', { app: 'stats', table: { ...emptyTable, events } })]
    const deaf = await mesh.app('d', { app: 'deaf', table: emptyTable })
    const { hooks } = await mesh.gateway()
    const all = Array.from({ length: 20 }, (_, i) => `${i}`)
    expect(await Promise.all(all.map((id) => hooks.tell(gone(id))))).toEqual(all.map(() => 'heard'))
    expect(ids(chat).toSorted()).toEqual(all.toSorted())
    expect(ids(stats).toSorted()).toEqual(all.toSorted())
    expect(deaf.heard).toEqual([])
  })

  it('is told elsewhere when the first fails, and again after a pause until somebody has heard it (L1)', async () => {
    const mesh = memoryApps()
    const apps = [await mesh.app('a'), await mesh.app('b')]
    const hear = failing(3)
    for (const one of apps) one.hear = hear
    const { hooks, seen } = await mesh.gateway()
    const told = hooks.tell(gone('1'))
    await mesh.clock.advanceAsync(2_000)
    expect(await told).toBe('heard')
    expect(apps.map(({ heard }) => heard.length)).toEqual([2, 2])
    expect(namesIn(seen, 'event:told')).toEqual([{ kind: 'disconnect', app: 'chat', attempts: 4 }])
  })

  it('waits while nobody is there, and is told as soon as somebody comes', async () => {
    const mesh = memoryApps()
    const first = await mesh.app('a')
    const { hooks } = await mesh.gateway()
    await first.app.stop()
    const told = hooks.tell(gone('1'))
    await mesh.clock.advanceAsync(60_000)
    expect(first.heard).toEqual([])
    const later = await mesh.app('b')
    await mesh.clock.advanceAsync(0)
    expect(await told).toBe('heard')
    expect(ids([later])).toEqual(['1'])
  })

  it('at work with an instance that goes is told to another one at once, not when its time is over (E5)', async () => {
    const mesh = memoryApps()
    const first = await mesh.app('a')
    const second = await mesh.app('b')
    first.hear = () => new Promise(() => {})
    const { hooks } = await mesh.gateway()
    const told = hooks.tell(gone('1'))
    await mesh.clock.advanceAsync(0)
    await first.app.stop()
    await mesh.clock.advanceAsync(100) // the first pause
    expect(await told).toBe('heard')
    expect([ids([first]), ids([second])]).toEqual([['1'], ['1']])
  })

  it('is heard once by an instance that is told twice, because its first answer came too late (A4)', async () => {
    const mesh = memoryApps()
    const app = await mesh.app('a')
    let done = (): void => {}
    app.hear = () => new Promise((resolve) => (done = resolve))
    const { hooks } = await mesh.gateway()
    const told = hooks.tell(gone('1'))
    await mesh.clock.advanceAsync(10_100) // its time is over, it is told again
    done()
    await mesh.clock.advanceAsync(1_000)
    expect(await told).toBe('heard')
    expect(ids([app])).toEqual(['1'])
  })

  it('that fails again and again holds back no other (L3)', async () => {
    const mesh = memoryApps()
    const app = await mesh.app('a')
    app.hear = async (event) => {
      if (event.id === 'bad') throw new Error('poison')
    }
    const { hooks } = await mesh.gateway()
    const poison = Array.from({ length: 100 }, () => hooks.tell(gone('bad')))
    await mesh.clock.advanceAsync(0)
    const told = await Promise.all(Array.from({ length: 200 }, (_, i) => hooks.tell(gone(`${i}`))))
    expect(new Set(told)).toEqual(new Set(['heard']))
    hooks.stop()
    expect(new Set(await Promise.all(poison))).toEqual(new Set(['dropped']))
  })

  it('that no instance there can hear holds back none that they can: a newer build that was rolled back (T1)', async () => {
    const mesh = memoryApps()
    const older = await mesh.app('a')
    const events = [...chatTable.events, { kind: 'unsubscribe', scope: 'group', namespace: 'game' } as const]
    const newer = await mesh.app('b', { table: { ...chatTable, events } })
    const { hooks } = await mesh.gateway()
    await newer.app.stop()
    const left = { kind: 'unsubscribe', atMs: 1, caller, code: 0, reason: '' } as const
    const unheard = hooks.tell({ ...left, id: 'new', namespace: 'game', channel: 'game:a' })
    await mesh.clock.advanceAsync(0)
    const told = hooks.tell({ ...left, id: 'old', namespace: 'chat', channel: 'chat:a' })
    await mesh.clock.advanceAsync(0)
    expect(ids([older])).toEqual(['old'])
    expect(await told).toBe('heard')
    hooks.stop()
    expect(await unheard).toBe('dropped')
  })

  it('is dropped, and that is told, when too many wait: the oldest first (L2)', async () => {
    const mesh = memoryApps()
    const app = await mesh.app('a')
    const { hooks, seen } = await mesh.gateway({ maxWaitingEvents: 3 })
    await app.app.stop()
    const told = ['1', '2', '3', '4', '5'].map((id) => hooks.tell(gone(id)))
    expect(await Promise.all(told.slice(0, 2))).toEqual(['dropped', 'dropped'])
    expect(namesIn(seen, 'event:drop')).toEqual(
      Array.from({ length: 2 }, () => ({ kind: 'disconnect', app: 'chat', reason: 'full' })),
    )
    const later = await mesh.app('b')
    await mesh.clock.advanceAsync(0)
    expect(await Promise.all(told.slice(2))).toEqual(['heard', 'heard', 'heard'])
    expect(ids([later])).toEqual(['3', '4', '5'])
  })

  it('that still waits when the gateway stops is dropped, and that is told: nobody waits for ever', async () => {
    const mesh = memoryApps()
    const app = await mesh.app('a')
    const { hooks, seen } = await mesh.gateway()
    await app.app.stop()
    const told = hooks.tell(gone('1'))
    await mesh.clock.advanceAsync(0)
    hooks.stop()
    expect([await told, await hooks.tell(gone('2'))]).toEqual(['dropped', 'dropped'])
    expect(namesIn(seen, 'event:drop')).toHaveLength(2)
    expect(mesh.clock.pendingTimers).toBe(0)
  })
})

describe('an event for all', () => {
  it('is told to every instance that is there, again to the one that failed, and to nobody that has gone', async () => {
    const mesh = memoryApps()
    const apps = [await mesh.app('a'), await mesh.app('b'), await mesh.app('c')]
    const [, shaky, leaver] = apps
    if (shaky !== undefined) shaky.hear = failing(2)
    if (leaver !== undefined) leaver.hear = failing(1_000)
    const { hooks } = await mesh.gateway()
    const told = hooks.tell(vacated('1'))
    await mesh.clock.advanceAsync(0)
    await leaver?.app.stop()
    await mesh.clock.advanceAsync(2_000)
    expect(await told).toBe('heard')
    expect(apps.map(({ heard }) => heard.length)).toEqual([1, 3, leaver?.heard.length])
  })

  it('and for the group of the same app is heard as both: each scope has its handlers', async () => {
    const mesh = memoryApps()
    const events = [...chatTable.events, { kind: 'vacated', scope: 'group', namespace: 'chat' } as const]
    const app = await mesh.app('a', { table: { ...chatTable, events } })
    const { hooks } = await mesh.gateway()
    expect(hooks.wants('vacated', 'chat').toSorted()).toEqual(['all', 'group'])
    expect(await hooks.tell(vacated('1'))).toBe('heard')
    expect(ids([app])).toEqual(['1', '1'])
  })
})

describe('a message of a client', () => {
  it('is told in the order of its connection, whoever hears it, and other connections do not wait for it (S2)', async () => {
    const mesh = memoryApps(Math.random)
    const apps = [await mesh.app('a'), await mesh.app('b')]
    const heard: string[] = []
    const open: (() => void)[] = []
    const hear = (event: HookEvent): Promise<void> => {
      heard.push(event.id)
      return event.id.startsWith('other') ? Promise.resolve() : new Promise((resolve) => open.push(resolve))
    }
    for (const one of apps) one.hear = hear
    const { hooks } = await mesh.gateway()
    const all = ['1', '2', '3'].map((id) => hooks.tell(message(id)))
    expect(await hooks.tell(message('other', 'c2'))).toBe('heard')
    expect(heard).toEqual(['1', 'other'])
    for (let i = 0; i < 3; i += 1) {
      open[i]?.()
      await all[i]
      await mesh.clock.advanceAsync(0)
    }
    expect(heard).toEqual(['1', 'other', '2', '3'])
  })

  it('is told at most once: without an answer it is dropped, and the next one goes (S1)', async () => {
    const mesh = memoryApps()
    const app = await mesh.app('a')
    app.hear = (event) => (event.id === '1' ? new Promise(() => {}) : Promise.resolve())
    const { hooks, seen } = await mesh.gateway()
    const told = [hooks.tell(message('1')), hooks.tell(message('2'))]
    await mesh.clock.advanceAsync(10_000)
    expect(await Promise.all(told)).toEqual(['dropped', 'heard'])
    expect(ids([app])).toEqual(['1', '2'])
    expect(namesIn(seen, 'event:drop')).toEqual([{ kind: 'message', app: 'chat', reason: 'once' }])
  })

  it('is dropped at once when nobody is there, or too many wait (S3)', async () => {
    const mesh = memoryApps()
    const app = await mesh.app('a')
    app.hear = () => new Promise(() => {})
    const { hooks, seen } = await mesh.gateway({ maxWaitingEvents: 1 })
    void hooks.tell(message('1'))
    expect(await hooks.tell(message('2'))).toBe('dropped')
    expect(namesIn(seen, 'event:drop')).toEqual([{ kind: 'message', app: 'chat', reason: 'full' }])
    await mesh.clock.advanceAsync(10_000)
    await app.app.stop()
    expect(await hooks.tell(message('3'))).toBe('dropped')
  })
})
