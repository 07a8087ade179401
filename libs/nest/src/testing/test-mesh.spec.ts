import { afterEach, describe, expect, it } from '@jest/globals'
import { Injectable } from '@nestjs/common'
import { z } from 'zod'
import {
  ChannelController,
  ConnectionController,
  Natter,
  NatterModule,
  OnConnect,
  OnDisconnect,
  OnMessage,
  OnPublish,
  OnRefresh,
  OnSubscribe,
  OnUnsubscribe,
  Rpc,
  type ConnectDecision,
  type PublishContext,
  type SubscribeContext,
  type SubscribeDecision,
} from '../index.js'
import { msOf, Refused, TestMesh, type TestMeshOptions } from './index.js'
import type { ModuleMetadata, Type } from '@nestjs/common'

const Message = z.object({ text: z.string().min(1) })

@Injectable()
class Rooms {
  has(_room: string) {
    return true
  }
}

@ChannelController('chat')
class Chat {
  constructor(
    private readonly rooms: Rooms,
    private readonly natter: Natter,
  ) {}
  @OnSubscribe(':room') subscribe(_: unknown, { params }: SubscribeContext) {
    return this.rooms.has(params['room']!)
  }
  @OnPublish(':room', { schema: Message }) publish({ text }: { text: string }, { user }: PublishContext) {
    return { text, from: user.id }
  }
  @Rpc('later') async later(room: string) {
    await new Promise((resolve) => setTimeout(resolve, 30)) // a database
    await this.natter.publish(`chat:${room}`, { text: 'later' })
  }
}

const appModule: ModuleMetadata = {
  imports: [NatterModule.forRoot({ app: 'chat' })], // no address of NATS: nothing is connected
  controllers: [Chat],
  providers: [Rooms],
}

const open: TestMesh[] = []
afterEach(async () => {
  for (const mesh of open.splice(0)) await mesh.close()
})

const kept = async (mesh: Promise<TestMesh>) => {
  open.push(await mesh)
  return mesh
}
const meshOf = (...args: Parameters<typeof TestMesh.create>) => kept(TestMesh.create(...args))
const meshWith = (controllers: Type[], options: TestMeshOptions = {}) =>
  meshOf({ imports: [NatterModule.forRoot({ app: 'chat' })], controllers }, undefined, {
    logger: false,
    ...options,
  })

describe('a test mesh', () => {
  it('runs an application as it is, and ends it with the block', async () => {
    let app: TestMesh['app']
    {
      await using mesh = await TestMesh.create(appModule)
      ;({ app } = mesh)
      const [ana, ben] = [await mesh.connect({ user: 'ana' }), await mesh.connect({ user: 'ben' })]
      await ben.subscribe('chat:lobby')
      await ana.publish('chat:lobby', { text: 'hi' })
      expect(await ben.next('chat:lobby')).toMatchObject({ data: { text: 'hi', from: 'ana' }, offset: 1 })
      expect(mesh.published('chat:lobby')).toMatchObject([{ data: { text: 'hi', from: 'ana' } }])
    }
    await expect(app.get(Natter).publish('chat:lobby', 1)).rejects.toMatchObject({ code: 'not-started' })
  })

  it('takes the overrides of a Nest testing module', async () => {
    const mesh = await meshOf(appModule, (builder) =>
      builder.overrideProvider(Rooms).useValue({ has: (room: string) => room === '1' }),
    )
    const guest = await mesh.connect({ user: 'ana' })
    await guest.subscribe('chat:1')
    await expect(guest.subscribe('chat:2')).rejects.toMatchObject({ code: 103 })
  })

  it('gives a refusal with all that is wrong', async () => {
    const mesh = await meshOf(appModule)
    const guest = await mesh.connect({ user: 'ana' })
    const refusal = await guest.publish('chat:1', { text: '' }).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(Refused)
    expect(refusal).toMatchObject({ code: 107, message: /^text: /, details: [{ path: 'text' }] })
    expect(mesh.published('chat:1')).toEqual([])
  })

  it('says who a client is without asking the app, where the test says it', async () => {
    const mesh = await meshWith([
      (() => {
        @ConnectionController()
        class Door {
          @OnConnect() connect(): ConnectDecision {
            throw new Error('not asked')
          }
          @Rpc('me') me(_: unknown, { user }: { user: unknown }) {
            return user
          }
        }
        return Door
      })(),
    ])
    const ana = await mesh.connect({ user: 'ana', info: { name: 'Ana' }, meta: { roles: ['member'] } })
    expect(await ana.rpc('me')).toMatchObject({ id: 'ana', info: { name: 'Ana' }, roles: ['member'] })
    await expect(mesh.connect({ token: 'x' })).rejects.toMatchObject({ code: 100 })
  })

  it('lets nobody in by itself: without a connect hook the test says who it is', async () => {
    const mesh = await meshOf(appModule)
    await expect(mesh.connect({ token: 'x' })).rejects.toMatchObject({ code: 3501, message: /@OnConnect/ })
  })
})

describe('waiting for a publication', () => {
  it('takes what came before as well, each once, and passes over what does not fit', async () => {
    const mesh = await meshOf(appModule)
    const guest = await mesh.connect({ user: 'ana' })
    await guest.subscribe('chat:1')
    for (const text of ['a', 'b', 'c']) await guest.publish('chat:1', { text })
    const isB = ({ data }: { data: { text: string } }) => data.text === 'b'
    expect((await guest.next<{ text: string }>('chat:1', isB)).data.text).toBe('b')
    expect(await guest.next('chat:1')).toMatchObject({ data: { text: 'c' } })
  })

  it('waits for a handler at work, as long as that takes', async () => {
    const mesh = await meshOf(appModule)
    const guest = await mesh.connect({ user: 'ana' })
    await guest.subscribe('chat:1')
    const reply = guest.rpc('later', '1')
    expect(await guest.next('chat:1')).toMatchObject({ data: { text: 'later' } })
    await reply
  })

  it('says why nothing came, instead of waiting for ever', async () => {
    const mesh = await meshOf(appModule)
    const guest = await mesh.connect({ user: 'ana' })
    await expect(guest.next('chat:1')).rejects.toThrow(
      `Nothing came for ana in "chat:1": it isn't subscribed to that channel.`,
    )
    await guest.subscribe('chat:1')
    await expect(guest.next('chat:1')).rejects.toThrow(
      /the mesh is idle, and only mesh.advance\(\) moves its time/,
    )
    await guest.publish('chat:1', { text: 'a' })
    await expect(guest.next('chat:1', () => false)).rejects.toThrow(`1 came that didn't fit`)
    await guest.disconnect()
    await expect(guest.next('chat:1')).rejects.toThrow(/its connection was closed/)
    await expect(guest.publish('chat:1', 1)).rejects.toMatchObject({ code: 'client-closed' })
  })
})

describe('time', () => {
  it('is what the test says', () => {
    expect(['250ms', '30s', '5m', '1.5h', '2d', 7].map((text) => msOf(text as never))).toEqual([
      250, 30_000, 300_000, 5_400_000, 172_800_000, 7,
    ])
    for (const wrong of ['1', 'h', '-1s', -1, Number.NaN])
      expect(() => msOf(wrong as never)).toThrow(expect.objectContaining({ code: 'bad-duration' }))
  })

  it('ends what expires: grants, subscriptions, connections', async () => {
    const startAt = new Date('2026-01-01T00:00:00Z')
    const at = (ms: number) => startAt.getTime() + ms
    const asked: string[] = []
    @ConnectionController()
    class Door {
      @OnConnect() connect(): ConnectDecision {
        return { user: 'ana', expiresAt: at(3_600_000) }
      }
      @OnRefresh() refresh() {
        asked.push('refresh')
        return asked.length < 3 ? { expiresAt: at(3_600_000 * asked.length) } : false
      }
    }
    @ChannelController('chat')
    class Timed {
      @OnSubscribe(':room') subscribe(): SubscribeDecision {
        return { publish: 'allow', publishForMs: 60_000, expiresAt: at(120_000) }
      }
      @OnPublish(':room') publish() {
        asked.push('publish')
      }
    }
    const mesh = await meshWith([Door, Timed], { startAt })
    const ana = await mesh.connect()
    await ana.subscribe('chat:1')
    await mesh.advance('59s')
    await ana.publish('chat:1', 1)
    expect(asked).toEqual([])
    await mesh.advance('1s')
    await ana.publish('chat:1', 2)
    expect(asked).toEqual(['publish'])
    await mesh.advance('1m')
    expect(await ana.unsubscribed('chat:1')).toEqual({ code: 2501, reason: 'subscription expired' })
    expect(ana.channels).toEqual(['#ana'])
    await mesh.advance('3h')
    expect(await ana.closed).toEqual({ code: 3005, reason: 'connection expired' })
    expect(mesh.now).toBe(at(120_000 + 3 * 3_600_000))
  })

  it('passes a handler that hangs: the client is told to try again', async () => {
    let free: () => void = () => undefined
    let aborted = false
    @ConnectionController()
    class Door {
      @Rpc('hang') async hang(_: unknown, { signal }: { signal: AbortSignal }) {
        signal.addEventListener('abort', () => (aborted = true))
        await new Promise<void>((resolve) => (free = resolve))
      }
    }
    const mesh = await meshWith([Door])
    const ana = await mesh.connect({ user: 'ana' })
    const reply = ana.rpc('hang').catch((error: unknown) => error)
    await mesh.advance('3s')
    expect(await reply).toMatchObject({ code: 100, temporary: true })
    expect(aborted).toBe(true)
    free()
  })

  it('passes between the tries of an event', async () => {
    const tries: number[] = []
    @ConnectionController()
    class Door {
      @OnDisconnect() gone() {
        tries.push(mesh.now)
        if (tries.length < 4) throw new Error('the database is away')
      }
    }
    const mesh = await meshWith([Door])
    const ana = await mesh.connect({ user: 'ana' })
    await ana.disconnect()
    await mesh.advance('1h')
    expect(tries.map((ms) => ms - tries[0]!)).toEqual([0, 100, 300, 700])
  })

  it('goes on for a connection whose refresh hook is away, 25 s and no longer', async () => {
    @ConnectionController()
    class Door {
      @OnConnect() connect(): ConnectDecision {
        return { user: 'ana', expiresAt: mesh.now + 1_000 }
      }
    }
    const mesh = await meshWith([Door])
    const ana = await mesh.connect()
    await mesh.advance('25s')
    await ana.send(1).catch(() => undefined)
    expect(ana.channels).toEqual([])
    expect(await ana.closed).toMatchObject({ code: 3508 }) // nobody hears messages; it was still connected
    const again = await mesh.connect()
    await mesh.advance('26s')
    expect(await again.closed).toMatchObject({ code: 3005 })
  })
})

describe('namespaces and names', () => {
  it('are kept and closed, unless the test says what the configuration says', async () => {
    const mesh = await meshWith([Object], {
      namespaces: { live: { keep: 'none' }, open: { allow: ['subscribe'] } },
    })
    const ana = await mesh.connect({ user: 'ana' })
    await expect(ana.subscribe('chat:1')).rejects.toMatchObject({ code: 103 })
    await ana.subscribe('open:1')
    await expect(ana.subscribe('open:1')).rejects.toMatchObject({ code: 105 })
    await expect(ana.subscribe('$open:1')).rejects.toMatchObject({ code: 103 })
    await expect(ana.publish('open:1', 1)).rejects.toMatchObject({ code: 103 })
    await expect(ana.subscribe('open:\n')).rejects.toMatchObject({ code: 107 })
    await expect(ana.subscribe('constructor:1')).rejects.toMatchObject({ code: 103 })
    await expect(ana.subscribe('__proto__:1')).rejects.toMatchObject({ code: 103 })
    expect(await mesh.natter.publish('live:1', 1)).toEqual({})
    await expect(mesh.natter.history('live:1')).rejects.toMatchObject({ code: 'not-available' })
    await expect(mesh.natter.publish('', 1)).rejects.toMatchObject({ code: 'bad-request' })
  })

  it('a star stands for no sign that closes a channel', async () => {
    @ConnectionController()
    class Door {
      @OnConnect() connect(): ConnectDecision {
        return { user: 'ana', capabilities: [{ channels: ['chat:*', '$team:*'], allow: ['subscribe'] }] }
      }
    }
    const mesh = await meshWith([Door])
    const ana = await mesh.connect()
    for (const channel of ['chat:1', '$team:1']) await ana.subscribe(channel)
    for (const channel of ['chat:#ben', '$chat:1', 'chats:1'])
      await expect(ana.subscribe(channel)).rejects.toMatchObject({ code: 103 })
  })
})

describe('several instances', () => {
  it('the least busy one is asked', async () => {
    const free: (() => void)[] = []
    const instance = (name: string) => {
      @ConnectionController()
      class Door {
        @Rpc('work') async work() {
          await new Promise<void>((resolve) => free.push(resolve))
        }
        @Rpc('name') name() {
          return name
        }
      }
      return { imports: [NatterModule.forRoot({ app: 'chat' })], controllers: [Door] }
    }
    const mesh = await meshOf(instance('one'))
    await mesh.join(instance('two'))
    const ana = await mesh.connect({ user: 'ana' })
    const [first, second] = [ana.rpc('work'), ana.rpc('work')]
    await mesh.advance(0)
    free.pop()!()
    await second
    expect(await ana.rpc('name')).toBe('two')
    free.pop()!()
    await first
    expect(await ana.rpc('name')).toBe('one')
  })
})

describe('what clients do at the same time', () => {
  it('an unsubscribe waits for the app that thinks about the subscription, and is told once', async () => {
    let decide: () => void = () => undefined
    const left: string[] = []
    @ChannelController('chat')
    class Slow {
      @OnSubscribe(':room') async subscribe() {
        await new Promise<void>((resolve) => (decide = resolve))
      }
      @OnUnsubscribe(':room') left(_: unknown, { channel }: { channel: string }) {
        left.push(channel)
      }
    }
    const mesh = await meshWith([Slow])
    const ana = await mesh.connect({ user: 'ana' })
    const subscribed = ana.subscribe('chat:1').catch((error: unknown) => error)
    await mesh.advance(0)
    const unsubscribed = ana.unsubscribe('chat:1')
    decide()
    expect(await subscribed).toBeUndefined()
    await unsubscribed
    await mesh.advance('1m')
    expect([left, ana.channels]).toEqual([['chat:1'], ['#ana']])
  })

  it('a message that fails is not told again', async () => {
    let told = 0
    @ConnectionController()
    class Door {
      @OnMessage() hear() {
        told += 1
        throw new Error('a bug')
      }
    }
    const mesh = await meshWith([Door])
    const ana = await mesh.connect({ user: 'ana' })
    await ana.send({ a: 1 })
    await mesh.advance('1h')
    expect(told).toBe(1)
  })

  it('a key is forgotten after two minutes', async () => {
    const mesh = await meshOf(appModule)
    const send = () => mesh.natter.publish('chat:1', 1, { idempotencyKey: 'k' })
    const first = await send()
    await mesh.advance('119s')
    expect(await send()).toEqual(first)
    await mesh.advance('2s')
    expect(await send()).not.toEqual(first)
  })
})
