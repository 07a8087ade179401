/**
 * What every mesh must do for an app and its clients. Run it with a way to open one: `describeMesh('mine', open)`. The test kit's mesh
 * passes it, and so do real gateways on a real NATS. One file, because an implementation passes all of it or is no mesh.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { INestApplicationContext, Type } from '@nestjs/common'
import { z } from 'zod'
import {
  ChannelController,
  ClientError,
  ConnectionController,
  deny,
  DisconnectError,
  Natter,
  OnConnect,
  OnDisconnect,
  OnHistory,
  OnMessage,
  OnOccupied,
  OnPresence,
  OnPublish,
  OnRefresh,
  OnSubscribe,
  OnUnsubscribe,
  OnVacated,
  Rpc,
  type ConnectContext,
  type ConnectDecision,
  type DisconnectContext,
  type Member,
  type OccupiedContext,
  type PublishContext,
  type RefreshDecision,
  type RpcContext,
  type StoredPublication,
  type SubscribeContext,
  type SubscribeDecision,
  type UnsubscribeContext,
} from '../src/index.js'

/** Of a mesh under this contract: all three have presence, `live` keeps nothing, clients may do anything in `open`. */
export const contractNamespaces = ['chat', 'live', 'open'] as const

export interface MeshClient {
  readonly id: string
  /** What the connect hook gave. */
  readonly data: unknown
  readonly closed: Promise<{ code: number; reason: string }>
  /** Resolves with the data that the app gives. */
  subscribe(channel: string, data?: unknown, token?: string): Promise<unknown>
  unsubscribe(channel: string): Promise<void>
  publish(channel: string, data: unknown): Promise<void>
  rpc(method: string, data?: unknown): Promise<unknown>
  call(method: string, data?: unknown): { progress: AsyncIterable<unknown>; reply: Promise<unknown> }
  send(data?: unknown): Promise<void>
  presence(channel: string): Promise<Pick<Member, 'user' | 'client'>[]>
  history(
    channel: string,
    query: { limit: number },
  ): Promise<{ publications: Pick<StoredPublication, 'data'>[] }>
  /** The next one that came. */
  next(channel: string): Promise<Pick<StoredPublication, 'data' | 'info' | 'tags' | 'offset'>>
  /** How the server ended a subscription that the client had asked for. */
  unsubscribed(channel: string): Promise<{ code: number; reason: string }>
  disconnect(): Promise<void>
}

export interface MeshWorld {
  /** Starts an instance of an app; resolves when the mesh asks it. */
  start(app: string, controllers: Type[]): Promise<INestApplicationContext>
  /** Rejects with `{ code, message }`: an error reply, or the close and its reason. */
  connect(request?: { token?: string; data?: unknown; headers?: Record<string, string> }): Promise<MeshClient>
  /** Lets so much time pass, where that is the test's to say. */
  pass(ms: number): Promise<void>
  close(): Promise<void>
}

/** What an app has heard, or was asked, in its order. */
class Heard<T> {
  readonly all: T[] = []
  private readonly looking = new Set<() => void>()

  readonly add = (item: T): void => {
    this.all.push(item)
    for (const look of this.looking) look()
  }

  until(count: number): Promise<readonly T[]> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.all.length < count) return
        this.looking.delete(look)
        resolve(this.all)
      }
      this.looking.add(look)
      look()
    })
  }
}

/** Lets everybody in as the user that the token names. */
@ConnectionController()
class Door {
  @OnConnect() connect(_: unknown, { token = '' }: ConnectContext): ConnectDecision {
    return { user: token, info: { name: token.toUpperCase() } }
  }
}

/** Yes to everything in `chat`. */
@ChannelController('chat')
class Chat {
  @OnSubscribe(':room') subscribe() {}
  @OnPublish(':room') publish() {}
}

const permissionDenied = { code: 103, message: 'permission denied' }
const notNow = { code: 100, message: 'internal server error', temporary: true }

export function describeMesh(name: string, open: () => Promise<MeshWorld>): void {
  describe(`mesh contract: ${name}`, () => {
    let world: MeshWorld

    beforeEach(async () => {
      world = await open()
    })
    afterEach(() => world.close())

    const connect = (user: string) => world.connect({ token: user })

    describe('connecting', () => {
      it('who connects is who the app says, with what it says of them', async () => {
        @ConnectionController()
        class Mine {
          @OnConnect() connect(data: unknown, { token, headers }: ConnectContext): ConnectDecision {
            const meta = { roles: ['member'], agent: headers['authorization'] }
            return { user: `user of ${token}`, info: { name: 'Ana' }, meta, data: { youSent: data } }
          }
          @Rpc('me') me(_: unknown, { user }: RpcContext) {
            return user
          }
        }
        await world.start('app', [Mine])
        const guest = await world.connect({
          token: 'good',
          data: { v: 1 },
          headers: { Authorization: 'Bearer x' },
        })
        expect(guest.data).toEqual({ youSent: { v: 1 } })
        expect(await guest.rpc('me')).toMatchObject({
          id: 'user of good',
          info: { name: 'Ana' },
          roles: ['member'],
          agent: 'Bearer x',
        })
      })

      it('a refusal reaches the client as the app said it', async () => {
        @ConnectionController()
        class Mine {
          @OnConnect() connect(_: unknown, { token }: ConnectContext): ConnectDecision {
            if (token === 'banned') throw new DisconnectError(4501, 'banned')
            throw new ClientError(1401, 'who are you?')
          }
        }
        await world.start('app', [Mine])
        await expect(world.connect({ token: 'x' })).rejects.toMatchObject({
          code: 1401,
          message: 'who are you?',
        })
        await expect(world.connect({ token: 'banned' })).rejects.toMatchObject({
          code: 4501,
          message: 'banned',
        })
      })

      it('subscriptions that the app gives are there with the connection', async () => {
        @ConnectionController()
        class Mine {
          @OnConnect() connect(): ConnectDecision {
            return { user: 'ana', subscriptions: ['chat:news', 'live:news'] }
          }
        }
        const app = await world.start('app', [Mine, Chat])
        const ana = await world.connect({})
        await app.get(Natter).publish('chat:news', 1)
        await app.get(Natter).publish('live:news', 2)
        expect(await ana.next('chat:news')).toMatchObject({ data: 1 })
        expect(await ana.next('live:news')).toMatchObject({ data: 2 })
      })

      it('of capabilities the first that covers the channel decides, and a refresh replaces them with what they let in', async () => {
        let begin = (): void => {}
        const begun = new Promise<void>((resolve) => (begin = resolve))
        @ConnectionController()
        class Mine {
          @OnConnect() connect(): ConnectDecision {
            const capabilities = [
              { channels: ['chat:quiet'], allow: ['subscribe'] as const },
              {
                channels: ['chat:[a-z]+'],
                match: 'regex' as const,
                allow: ['subscribe', 'publish'] as const,
              },
            ]
            return { user: 'ana', capabilities, expiresAt: Date.now() + 100 }
          }
          @OnRefresh() async refresh(): Promise<RefreshDecision> {
            await begun
            return { capabilities: [{ channels: ['chat:quiet'], allow: ['subscribe', 'publish'] }] }
          }
        }
        await world.start('app', [Mine])
        const ana = await world.connect({})
        for (const channel of ['chat:quiet', 'chat:loud']) await ana.subscribe(channel)
        await ana.publish('chat:loud', 1)
        await expect(ana.publish('chat:quiet', 1)).rejects.toMatchObject(permissionDenied)
        const ended = ana.unsubscribed('chat:loud')
        begin()
        await world.pass(1_000)
        expect(await ended).toMatchObject({ code: 2000 })
        await ana.publish('chat:quiet', 2)
        await expect(ana.publish('chat:loud', 2)).rejects.toMatchObject(permissionDenied)
      })

      it('what a subscription is allowed beside its namespace ends with it', async () => {
        @ChannelController('chat')
        class Rooms {
          @OnSubscribe(':room') subscribe(): SubscribeDecision {
            return { allow: ['publish', 'history'] }
          }
        }
        await world.start('app', [Door, Rooms])
        const ana = await connect('ana')
        await expect(ana.publish('chat:1', 0)).rejects.toMatchObject(permissionDenied)
        await ana.subscribe('chat:1')
        await ana.publish('chat:1', 1)
        expect((await ana.history('chat:1', { limit: 10 })).publications).toHaveLength(1)
        await expect(ana.publish('chat:2', 1)).rejects.toMatchObject(permissionDenied)
        await ana.unsubscribe('chat:1')
        await expect(ana.publish('chat:1', 2)).rejects.toMatchObject(permissionDenied)
        await expect(ana.history('chat:1', { limit: 1 })).rejects.toMatchObject(permissionDenied)
      })

      it('capabilities open what no app answers for, and nothing else', async () => {
        @ConnectionController()
        class Mine {
          @OnConnect() connect(): ConnectDecision {
            const capabilities = [{ channels: ['chat:ana-*'], allow: ['publish', 'subscribe'] as const }]
            return { user: 'ana', capabilities }
          }
        }
        await world.start('app', [Mine])
        const ana = await world.connect({})
        await ana.subscribe('chat:ana-1')
        await ana.publish('chat:ana-1', 'mine')
        expect(await ana.next('chat:ana-1')).toMatchObject({ data: 'mine' })
        await expect(ana.subscribe('chat:ben')).rejects.toMatchObject(permissionDenied)
        await expect(ana.publish('chat:ben', 'yours')).rejects.toMatchObject(permissionDenied)
        await expect(ana.history('chat:ana-1', { limit: 1 })).rejects.toMatchObject(permissionDenied)
      })

      it('a connection that expires lives as long as the refresh hook says', async () => {
        const firstEnd = Date.now() + 300
        const refreshed = new Heard<number>()
        @ConnectionController()
        class Mine {
          @OnConnect() connect(): ConnectDecision {
            return { user: 'ana', expiresAt: firstEnd }
          }
          @OnRefresh() refresh() {
            refreshed.add(refreshed.all.length)
            return refreshed.all.length === 1 ? { expiresAt: firstEnd + 300 } : (false as const)
          }
        }
        await world.start('app', [Mine])
        const ana = await world.connect({})
        await world.pass(10_000)
        expect(await ana.closed).toEqual({ code: 3005, reason: 'connection expired' })
        expect(refreshed.all).toHaveLength(2)
      })
    })

    describe('subscribing', () => {
      it('the app says yes with data, or no with its reason; what it has no handler for is refused', async () => {
        @ChannelController('chat')
        class Rooms {
          @OnSubscribe('room-:id') subscribe(
            data: unknown,
            { params }: SubscribeContext,
          ): SubscribeDecision | false {
            if (params['id'] === 'full') throw new ClientError(1409, 'the room is full')
            return params['id'] === 'closed' ? false : { data: { topic: params['id'], youSent: data } }
          }
        }
        await world.start('app', [Door, Rooms])
        const ana = await connect('ana')
        expect(await ana.subscribe('chat:room-1', { lang: 'de' })).toEqual({
          topic: '1',
          youSent: { lang: 'de' },
        })
        await expect(ana.subscribe('chat:room-full')).rejects.toMatchObject({
          code: 1409,
          message: 'the room is full',
        })
        await expect(ana.subscribe('chat:room-closed')).rejects.toMatchObject(permissionDenied)
        await expect(ana.subscribe('chat:elsewhere')).rejects.toMatchObject({ code: 102 })
        await expect(ana.subscribe('live:1')).rejects.toMatchObject(permissionDenied)
        await ana.subscribe('open:1')
      })

      it('what the app says of a subscription is shown to others, in publications and presence', async () => {
        @ChannelController('chat')
        class Rooms extends Chat {
          @OnSubscribe(':room') override subscribe(): SubscribeDecision {
            return { info: { role: 'host' } }
          }
        }
        const natter = (await world.start('app', [Door, Rooms])).get(Natter)
        const ana = await connect('ana')
        await ana.subscribe('chat:1')
        await ana.publish('chat:1', 'hi')
        const shown = { user: 'ana', info: { name: 'ANA' }, channelInfo: { role: 'host' } }
        expect((await ana.next('chat:1')).info).toMatchObject(shown)
        expect(await natter.presence('chat:1')).toMatchObject([shown])
        await ana.disconnect()
        expect(await emptied(natter, 'chat:1')).toEqual([])
      })

      it('a subscription that is ended while the app thinks about it is refused', async () => {
        const asked = new Heard<unknown>()
        let decide: () => void = () => undefined
        const decided = new Promise<void>((resolve) => (decide = resolve))
        @ChannelController('chat')
        class Rooms {
          @OnSubscribe(':room') async subscribe() {
            asked.add(1)
            await decided
          }
        }
        const natter = (await world.start('app', [Door, Rooms])).get(Natter)
        const ana = await connect('ana')
        const subscribed = ana.subscribe('chat:1').catch((error: unknown) => error)
        await asked.until(1)
        await natter.unsubscribe('ana', 'chat:1')
        decide()
        expect(await subscribed).toMatchObject({ code: 103 })
        expect(await natter.presence('chat:1')).toEqual([])
      })

      it('a private channel is closed without a token, whatever an app says of its namesake; with one that it has to judge it is asked', async () => {
        @ChannelController('chat')
        class Rooms {
          @OnSubscribe(':room') subscribe(_: unknown, { channel, token }: SubscribeContext) {
            return channel === 'chat:1' || token === 'for ana'
          }
        }
        await world.start('app', [Door, Rooms])
        const ana = await connect('ana')
        await ana.subscribe('chat:1')
        await expect(ana.subscribe('$chat:1')).rejects.toMatchObject(permissionDenied)
        await expect(ana.subscribe('$open:1')).rejects.toMatchObject(permissionDenied)
        await expect(ana.subscribe('$chat:2', undefined, 'for ben')).rejects.toMatchObject(permissionDenied)
        await ana.subscribe('$chat:2', undefined, 'for ana')
      })

      it('a subscription that the app limits in time ends when it is over', async () => {
        const left = new Heard<UnsubscribeContext>()
        @ChannelController('chat')
        class Rooms {
          private asked = 0
          @OnSubscribe(':room') subscribe(): SubscribeDecision | false {
            this.asked += 1
            return this.asked === 1 ? { expiresAt: Date.now() + 300 } : false // an SDK asks again
          }
          @OnUnsubscribe(':room') left(_: unknown, context: UnsubscribeContext) {
            left.add(context)
          }
        }
        await world.start('app', [Door, Rooms])
        const ana = await connect('ana')
        await ana.subscribe('chat:1')
        await world.pass(1_000)
        const [ending] = await left.until(1)
        expect(ending).toMatchObject({ channel: 'chat:1', code: 2501, reason: 'subscription expired' })
      })
    })

    describe('publishing', () => {
      it('what the app returns is stored, with who published it', async () => {
        @ChannelController('chat')
        class Rooms {
          @OnSubscribe(':room') subscribe() {}
          @OnPublish(':room') publish(data: unknown, { user }: PublishContext) {
            return { said: data, by: user.id }
          }
        }
        await world.start('app', [Door, Rooms])
        const [ana, ben] = [await connect('ana'), await connect('ben')]
        await ben.subscribe('chat:1')
        await ana.publish('chat:1', 'hi')
        const { data, info, offset } = await ben.next('chat:1')
        expect(data).toEqual({ said: 'hi', by: 'ana' })
        expect(info).toMatchObject({ user: 'ana', client: ana.id, info: { name: 'ANA' } })
        expect(offset).toBeGreaterThan(0)
      })

      it('a refusal says why, and nothing is stored', async () => {
        @ChannelController('chat')
        class Rooms {
          @OnSubscribe(':room') subscribe() {}
          @OnPublish(':room', { schema: z.object({ text: z.string().min(1) }) })
          publish({ text }: { text: string }) {
            if (text === 'bug') throw new TypeError('a secret of the app')
            return text === 'no' ? deny(1403, 'not that') : undefined
          }
        }
        await world.start('app', [Door, Rooms])
        const ana = await connect('ana')
        await ana.subscribe('chat:1')
        await expect(ana.publish('chat:1', { text: '' })).rejects.toMatchObject({
          code: 107,
          message: expect.stringMatching(/^text: /),
        })
        await expect(ana.publish('chat:1', { text: 'no' })).rejects.toMatchObject({
          code: 1403,
          message: 'not that',
        })
        await expect(ana.publish('chat:1', { text: 'bug' })).rejects.toMatchObject(notNow)
        await expect(ana.publish('live:1', { text: 'x' })).rejects.toMatchObject(permissionDenied)
        await ana.publish('chat:1', { text: 'last' })
        expect(await ana.next('chat:1')).toMatchObject({ data: { text: 'last' } })
      })

      it('publications of a connection are stored in the order they were sent, however long the app thinks', async () => {
        const asked = new Heard<unknown>()
        @ChannelController('chat')
        class Rooms {
          @OnSubscribe(':room') subscribe() {}
          @OnPublish(':room') async publish(data: unknown) {
            asked.add(data)
            if (data !== 1) return
            await asked.until(2)
            await new Promise(setImmediate)
            await natter.publish('open:1', 'there and back') // by now the mesh knows what the second was decided
          }
        }
        const natter = (await world.start('app', [Door, Rooms])).get(Natter)
        const ana = await connect('ana')
        await ana.subscribe('chat:1')
        await Promise.all([ana.publish('chat:1', 1), ana.publish('chat:1', 2)])
        expect(await ana.next('chat:1')).toMatchObject({ data: 1 })
        expect(await ana.next('chat:1')).toMatchObject({ data: 2 })
      })

      it('who leaves while the app thinks has published nothing', async () => {
        const asked = new Heard<unknown>()
        let decide: () => void = () => undefined
        const decided = new Promise<void>((resolve) => (decide = resolve))
        @ChannelController('chat')
        class Rooms {
          @OnSubscribe(':room') subscribe() {}
          @OnPublish(':room') async publish(data: unknown) {
            asked.add(data)
            if (data === 'late') await decided
          }
        }
        const natter = (await world.start('app', [Door, Rooms])).get(Natter)
        const [ana, ben] = [await connect('ana'), await connect('ben')]
        await ben.subscribe('chat:1')
        void ana.publish('chat:1', 'late').catch(() => undefined)
        await asked.until(1)
        await natter.disconnect('ana')
        await ana.closed
        decide()
        await ben.publish('chat:1', 'next')
        expect(await ben.next('chat:1')).toMatchObject({ data: 'next' })
        expect((await natter.history('chat:1', { limit: 9 })).publications).toHaveLength(1)
      })

      it('a grant decides in the place of the publish hook, as often as it says', async () => {
        const asked = new Heard<unknown>()
        @ChannelController('chat')
        class Rooms {
          @OnSubscribe(':room') subscribe(_: unknown, { params }: SubscribeContext): SubscribeDecision {
            return params['room'] === 'muted' ? { publish: 'deny' } : { publish: 'allow', publishQuota: 2 }
          }
          @OnPublish(':room') publish(data: unknown) {
            asked.add(data)
            return false as const
          }
        }
        await world.start('app', [Door, Rooms])
        const ana = await connect('ana')
        await ana.subscribe('chat:1')
        await ana.subscribe('chat:muted')
        await ana.publish('chat:1', 1)
        await ana.publish('chat:1', 2)
        await expect(ana.publish('chat:1', 3)).rejects.toMatchObject(permissionDenied)
        await expect(ana.publish('chat:muted', 4)).rejects.toMatchObject(permissionDenied)
        expect(asked.all).toEqual([3])
      })
    })

    describe('an app that has had enough', () => {
      it('closes the connection from any hook, and hears of it', async () => {
        const gone = new Heard<DisconnectContext>()
        @ChannelController('chat')
        class Rooms {
          @OnSubscribe(':room') subscribe() {}
          @OnPublish(':room') publish() {
            throw new DisconnectError(4502, 'no spam')
          }
          @OnMessage() hear() {
            throw new DisconnectError(4503, 'no messages')
          }
          @OnDisconnect() gone(_: unknown, context: DisconnectContext) {
            gone.add(context)
          }
        }
        await world.start('app', [Door, Rooms])
        const [ana, ben] = [await connect('ana'), await connect('ben')]
        const refused = ana.publish('chat:1', 1).catch((error: unknown) => error)
        expect(await ana.closed).toEqual({ code: 4502, reason: 'no spam' })
        expect(await refused).toBeInstanceOf(Error)
        expect((await gone.until(1))[0]).toMatchObject({ client: ana.id, code: 4502, reason: 'no spam' })
        await ben.send('x')
        expect(await ben.closed).toEqual({ code: 4503, reason: 'no messages' })
      })
    })

    describe('rpc and messages', () => {
      it('an rpc is answered, or refused with the code that the app says', async () => {
        @ConnectionController()
        class Mine {
          @Rpc('greet') greet(who: string, { user }: RpcContext) {
            return { text: `hello ${who}`, from: user.id }
          }
          @Rpc('nothing') nothing() {}
          @Rpc('fail') fail() {
            throw new ClientError(1404, 'no such room')
          }
          @Rpc('again') again() {
            throw new ClientError(1503, 'later', { temporary: true })
          }
          @Rpc('bug') bug() {
            throw new TypeError('a secret of the app')
          }
        }
        await world.start('app', [Door, Mine])
        const ana = await connect('ana')
        expect(await ana.rpc('greet', 'ben')).toEqual({ text: 'hello ben', from: 'ana' })
        expect(await ana.rpc('nothing')).toBeUndefined()
        await expect(ana.rpc('fail')).rejects.toMatchObject({ code: 1404, message: 'no such room' })
        await expect(ana.rpc('again')).rejects.toMatchObject({ code: 1503, temporary: true })
        await expect(ana.rpc('bug')).rejects.toMatchObject(notNow)
        await expect(ana.rpc('unknown')).rejects.toMatchObject({ code: 104 })
      })

      it('where no app answers any rpc, there is none', async () => {
        await world.start('app', [Door])
        const ana = await connect('ana')
        await expect(ana.rpc('any')).rejects.toMatchObject({ code: 108 })
      })

      it('progress comes before the reply, in its order, to whoever called', async () => {
        @ConnectionController()
        class Mine {
          @Rpc('build') async *build(from: number) {
            yield from
            yield from + 1
            return await Promise.resolve('done')
          }
        }
        await world.start('app', [Door, Mine])
        const ana = await connect('ana')
        const [one, two] = [ana.call('build', 10), ana.call('build', 20)]
        expect(await piecesOf(one.progress)).toEqual([10, 11])
        expect(await piecesOf(two.progress)).toEqual([20, 21])
        expect(await Promise.all([one.reply, two.reply])).toEqual(['done', 'done'])
      })

      it('messages of a connection are heard in their order', async () => {
        const heard = new Heard<unknown>()
        @ConnectionController()
        class Mine {
          @OnMessage() async hear(data: unknown) {
            if (data === 1) await new Promise(setImmediate)
            heard.add(data)
          }
        }
        await world.start('app', [Door, Mine])
        const ana = await connect('ana')
        for (const piece of [1, 2, 3]) await ana.send(piece)
        expect(await heard.until(3)).toEqual([1, 2, 3])
      })
    })

    describe('events', () => {
      it('the end of a subscription and of a connection are told, with who it was', async () => {
        const left = new Heard<UnsubscribeContext>()
        const gone = new Heard<DisconnectContext>()
        @ChannelController('chat')
        class Rooms extends Chat {
          @OnUnsubscribe('told-:room') left(_: unknown, context: UnsubscribeContext) {
            left.add(context)
          }
          @OnDisconnect() gone(_: unknown, context: DisconnectContext) {
            gone.add(context)
          }
        }
        await world.start('app', [Door, Rooms])
        const ana = await connect('ana')
        await ana.subscribe('chat:told-1')
        await ana.subscribe('chat:told-2')
        await ana.subscribe('chat:other')
        await ana.unsubscribe('chat:other') // no handler for that one
        await ana.unsubscribe('chat:told-1')
        expect((await left.until(1))[0]).toMatchObject({
          channel: 'chat:told-1',
          code: 0,
          params: { room: '1' },
        })
        await ana.disconnect()
        expect((await left.until(2))[1]).toMatchObject({ channel: 'chat:told-2', code: 1 })
        const [ending] = await gone.until(1)
        expect(ending).toMatchObject({
          client: ana.id,
          code: 1005, // the SDK closes without a code
          user: { id: 'ana', info: { name: 'ANA' } },
        })
        expect(left.all).toHaveLength(2)
      })

      it('a channel is occupied with its first subscriber and vacated a while after its last', async () => {
        const told = new Heard<string>()
        @ChannelController('chat')
        class Rooms extends Chat {
          @OnOccupied(':room') occupied(_: unknown, { kind, channel }: OccupiedContext) {
            told.add(`${kind} ${channel}`)
          }
          @OnVacated(':room') vacated(_: unknown, { kind, channel }: { kind: string; channel: string }) {
            told.add(`${kind} ${channel}`)
          }
        }
        await world.start('app', [Door, Rooms])
        const [ana, ben] = [await connect('ana'), await connect('ben')]
        await ana.subscribe('chat:1')
        await ben.subscribe('chat:1')
        expect(await told.until(1)).toEqual(['occupied chat:1'])
        await ana.unsubscribe('chat:1')
        await ben.unsubscribe('chat:1')
        await ana.subscribe('chat:1') // back before anybody noticed
        await ana.unsubscribe('chat:1')
        await world.pass(10_000)
        expect(await told.until(2)).toEqual(['occupied chat:1', 'vacated chat:1'])
      })

      it('an event whose handler fails is told again, as the same event', async () => {
        const told = new Heard<string>()
        @ConnectionController()
        class Mine {
          @OnDisconnect() gone(_: unknown, { id }: DisconnectContext) {
            told.add(id)
            if (told.all.length < 3) throw new Error('the database is away')
          }
        }
        await world.start('app', [Door, Mine])
        const ana = await connect('ana')
        await ana.disconnect()
        await world.pass(10_000)
        const ids = await told.until(3)
        expect(new Set(ids).size).toBe(1)
      })

      it('an event that one instance fails on is told to another one', async () => {
        const told = new Heard<string>()
        const instance = (which: string) => {
          @ConnectionController()
          class Mine {
            @OnConnect() connect(_: unknown, { token = '' }: ConnectContext): ConnectDecision {
              return { user: token }
            }
            @OnDisconnect() gone() {
              told.add(which)
              if (told.all.length === 1) throw new Error('out of memory')
            }
          }
          return Mine
        }
        await world.start('app', [instance('a')])
        await world.start('app', [instance('b')])
        await (await connect('ana')).disconnect()
        await world.pass(1_000)
        const instances = await told.until(2)
        expect(instances.toSorted()).toEqual(['a', 'b'])
      })

      it('an event goes to one instance of an app for its group, and to each for all', async () => {
        const told = new Heard<string>()
        const instance = (which: string) => {
          @ConnectionController()
          class Mine {
            @OnConnect() connect(_: unknown, { token = '' }: ConnectContext): ConnectDecision {
              return { user: token }
            }
            @OnDisconnect() one(_: unknown, { user }: DisconnectContext) {
              told.add(`group ${user.id}`)
            }
            @OnDisconnect({ scope: 'all' }) all(_: unknown, { user }: DisconnectContext) {
              told.add(`all ${user.id} ${which}`)
            }
          }
          return Mine
        }
        await world.start('app', [instance('a')])
        await world.start('app', [instance('b')])
        for (const user of ['ana', 'ben']) await (await connect(user)).disconnect()
        const heard = await told.until(6)
        expect(heard.toSorted()).toEqual([
          'all ana a',
          'all ana b',
          'all ben a',
          'all ben b',
          'group ana',
          'group ben',
        ])
      })
    })

    describe('what an app does by itself', () => {
      it('publishes past the hooks, and is told where it stands', async () => {
        @ChannelController('chat')
        class Rooms {
          @OnSubscribe(':room') subscribe() {}
          @OnPublish(':room') publish() {
            return false as const
          }
        }
        const natter = (await world.start('app', [Door, Rooms])).get(Natter)
        const ana = await connect('ana')
        await ana.subscribe('chat:1')
        await ana.subscribe('open:1')
        const { position } = await natter.publish('chat:1', { n: 1 }, { tags: { kind: 'x' } })
        const came = await ana.next('chat:1')
        expect(came).toMatchObject({ data: { n: 1 }, tags: { kind: 'x' } })
        expect(came.info).toBeUndefined()
        expect(came.offset).toBe(position?.offset)
        expect(await natter.publish('live:1', 1)).toEqual({})
      })

      it('a repeat with the same key is stored once', async () => {
        const natter = (await world.start('app', [Door, Chat])).get(Natter)
        const first = await natter.publish('chat:1', 1, { idempotencyKey: 'k' })
        expect(await natter.publish('chat:1', 1, { idempotencyKey: 'k' })).toEqual(first)
        await natter.publish('chat:1', 2, { idempotencyKey: 'l' })
        const { publications, position } = await natter.history('chat:1', { limit: 10 })
        expect(publications.map(({ data }) => data)).toEqual([1, 2])
        const { publications: newest } = await natter.history('chat:1', { limit: 1, isReverse: true })
        expect(newest).toMatchObject([{ data: 2, offset: position.offset }])
        const since = { limit: 10, since: first.position! }
        expect((await natter.history('chat:1', since)).publications).toMatchObject([{ data: 2 }])
      })

      it('a broadcast has one outcome for each channel', async () => {
        const natter = (await world.start('app', [Door, Chat])).get(Natter)
        const ana = await connect('ana')
        await ana.subscribe('chat:1')
        await ana.subscribe('chat:2')
        const outcomes = await natter.broadcast(['chat:1', '', 'chat:2'], 'all')
        expect(outcomes).toMatchObject([
          { position: {} },
          { error: { name: 'InvalidError' } },
          { position: {} },
        ])
        expect(await ana.next('chat:1')).toMatchObject({ data: 'all' })
        expect(await ana.next('chat:2')).toMatchObject({ data: 'all' })
      })

      it('sees who is in a channel; clients do where the app lets them', async () => {
        @ChannelController('chat')
        class Rooms extends Chat {
          @OnPresence(':room') presence() {}
          @OnHistory(':room') history() {}
        }
        const natter = (await world.start('app', [Door, Rooms])).get(Natter)
        const [ana, ben] = [await connect('ana'), await connect('ben')]
        await ana.subscribe('chat:1')
        await ana.publish('chat:1', 'hi')
        const there = [{ user: 'ana', client: ana.id, info: { name: 'ANA' } }]
        expect(await natter.presence('chat:1')).toMatchObject(there)
        expect(await ben.presence('chat:1')).toMatchObject([{ user: 'ana', client: ana.id }])
        expect((await ben.history('chat:1', { limit: 1 })).publications).toMatchObject([{ data: 'hi' }])
        await expect(ben.presence('live:1')).rejects.toMatchObject(permissionDenied)
        await expect(ben.history('live:1', { limit: 1 })).rejects.toMatchObject({ code: 108 })
      })

      it("subscribes and unsubscribes a user's connections", async () => {
        const natter = (await world.start('app', [Door, Chat])).get(Natter)
        const [one, two, ben] = [await connect('ana'), await connect('ana'), await connect('ben')]
        await natter.subscribe('ana', 'live:hers')
        await natter.publish('live:hers', 1)
        for (const ana of [one, two]) expect(await ana.next('live:hers')).toMatchObject({ data: 1 })
        await natter.unsubscribe('ana', 'live:hers', { client: one.id })
        expect(await natter.presence('live:hers')).toMatchObject([{ client: two.id }])
        await ben.subscribe('chat:1')
        const ended = ben.unsubscribed('chat:1')
        await natter.unsubscribe('ben', 'chat:1', { code: 2001, reason: 'moved' })
        expect(await ended).toEqual({ code: 2001, reason: 'moved' })
        expect(await natter.presence('chat:1')).toEqual([])
      })

      it('subscribes them on terms, as a subscribe hook does', async () => {
        const natter = (await world.start('app', [Door, Chat])).get(Natter)
        const [ana, ben] = [await connect('ana'), await connect('ben')]
        await natter.subscribe('ana', 'chat:1', { publish: 'deny' })
        await natter.subscribe('ben', 'chat:1')
        await expect(ana.publish('chat:1', 'mine')).rejects.toMatchObject(permissionDenied)
        await ben.publish('chat:1', 'yours')
        expect(await ana.next('chat:1')).toMatchObject({ data: 'yours' })
      })

      it('closes connections of a user, for good or for now', async () => {
        const natter = (await world.start('app', [Door, Chat])).get(Natter)
        const [one, two, ben] = [await connect('ana'), await connect('ana'), await connect('ben')]
        await natter.disconnect('ana', { client: one.id, code: 4501, reason: 'bye' })
        expect(await one.closed).toEqual({ code: 4501, reason: 'bye' })
        await natter.disconnect('ana')
        expect(await two.closed).toEqual({ code: 3503, reason: 'force disconnect' })
        await ben.subscribe('chat:1') // still there
      })
    })

    describe('whose way in an app takes back', () => {
      const blocked = { code: 3507, message: 'permission denied' }

      it('goes, and comes in no more until it may again; nobody else is concerned', async () => {
        const natter = (await world.start('app', [Door, Chat])).get(Natter)
        const [ana, ben] = [await connect('ana'), await connect('ben')]
        await natter.blockUser('ana')
        expect(await ana.closed).toEqual({ code: 3507, reason: 'permission denied' })
        for (let n = 0; n < 3; n += 1) await expect(connect('ana')).rejects.toMatchObject(blocked) // on each gateway
        await ben.subscribe('chat:1')
        await natter.unblockUser('ana')
        await untilIn('ana')
      })

      it('may come in again when that has ended, whether somebody looks or not', async () => {
        const natter = (await world.start('app', [Door, Chat])).get(Natter)
        await natter.blockUser('ana', { expiresAt: Date.now() + 1_000 })
        await expect(connect('ana')).rejects.toMatchObject(blocked)
        await world.pass(60_000)
        await untilIn('ana')
      })

      it('is not concerned by tokens that are taken back, where an app let it in', async () => {
        const natter = (await world.start('app', [Door, Chat])).get(Natter)
        const ana = await connect('ana')
        await natter.invalidateUserTokens('ana', { expiresAt: new Date(Date.now() + 60_000) })
        await natter.revokeToken('one')
        await ana.subscribe('chat:1')
        await connect('ana')
      })

      /** A gateway that wasn't asked hears of it a moment later. */
      async function untilIn(user: string): Promise<void> {
        for (let isIn = false; !isIn; await new Promise(setImmediate)) {
          isIn = await connect(user).then(
            () => true,
            () => false,
          )
        }
      }
    })

    describe('what an app may not ask', () => {
      it('is refused as invalid, with a word for what is wrong', async () => {
        const natter = (await world.start('app', [Door, Chat])).get(Natter)
        const invalid = (code: string): unknown => expect.objectContaining({ name: 'InvalidError', code })
        const refused = async (asked: Promise<unknown>, code: string) =>
          expect(await asked.catch((error: unknown) => error)).toEqual(invalid(code))
        await refused(natter.publish('', 1), 'bad-request')
        await refused(natter.publish('chat:\n', 1), 'bad-request')
        await refused(natter.history('live:1'), 'not-available')
        await refused(natter.disconnect(''), 'bad-request') // anonymous clients have nothing in common
        await refused(natter.disconnect('ana', { code: 1000 }), 'bad-request')
        await refused(natter.unsubscribe('ana', 'chat:1', { code: 4000 }), 'bad-request')
        await refused(natter.subscribe('', 'chat:1'), 'bad-request')
        await refused(natter.blockUser(''), 'bad-request')
        await refused(natter.blockUser('ana', { expiresAt: Date.now() - 60_000 }), 'bad-request')
        await refused(natter.unblockUser('x'.repeat(513)), 'bad-request')
        await refused(natter.revokeToken(''), 'bad-request')
        await refused(natter.invalidateUserTokens('ana', { issuedBefore: Number.NaN }), 'bad-request')
        const since = { offset: 1, epoch: 'another' }
        await refused(natter.history('chat:1', { limit: 1, since }), 'unrecoverable-position')
      })
    })

    describe('apps that come and go', () => {
      it('an app that is gone closes what it guarded, until it is back', async () => {
        await world.start('door', [Door])
        const app = await world.start('chat', [Chat])
        const ana = await connect('ana')
        await app.close()
        await expect(ana.publish('chat:1', 1)).rejects.toMatchObject(notNow)
        await expect(ana.subscribe('chat:1')).rejects.toMatchObject(notNow)
        await world.start('chat', [Chat])
        await ana.subscribe('chat:1')
        await ana.publish('chat:1', 1)
        expect(await ana.next('chat:1')).toMatchObject({ data: 1 })
      })

      it('apps share a namespace and its events, each with the questions that are its own', async () => {
        const heard = new Heard<string>()
        @ChannelController('chat')
        class Entry {
          @OnSubscribe(':room') subscribe() {}
          @Rpc('entry') entry() {
            return 'entry'
          }
          @OnUnsubscribe(':room') left(_: unknown, { channel }: UnsubscribeContext) {
            heard.add(`entry ${channel}`)
          }
        }
        @ChannelController('chat')
        class Talk {
          @OnPublish(':room') publish(data: unknown) {
            return { checked: data }
          }
          @Rpc('talk') talk() {
            return 'talk'
          }
          @OnUnsubscribe(':room') left(_: unknown, { channel }: UnsubscribeContext) {
            heard.add(`talk ${channel}`)
          }
        }
        await world.start('entry', [Door, Entry])
        await world.start('talk', [Talk])
        const ana = await connect('ana')
        await ana.subscribe('chat:1')
        await ana.publish('chat:1', 1)
        expect(await ana.next('chat:1')).toMatchObject({ data: { checked: 1 } })
        expect([await ana.rpc('entry'), await ana.rpc('talk')]).toEqual(['entry', 'talk'])
        await ana.unsubscribe('chat:1')
        const both = await heard.until(2)
        expect(both.toSorted()).toEqual(['entry chat:1', 'talk chat:1'])
      })

      it('while one instance leaves, the other answers', async () => {
        await world.start('app', [Door, Chat])
        const leaving = await world.start('app', [Door, Chat])
        const ana = await connect('ana')
        await ana.subscribe('chat:1')
        const left = leaving.close()
        for (const n of [1, 2, 3]) await ana.publish('chat:1', n)
        await left
        for (const n of [1, 2, 3]) expect(await ana.next('chat:1')).toMatchObject({ data: n })
      })

      it('two apps never answer the same: the second one is refused, with both names', async () => {
        await world.start('first', [Door, Chat])
        await expect(world.start('second', [Chat])).rejects.toMatchObject({
          code: 'handler-taken',
          message: expect.stringMatching(/'second'.*'first'/),
        })
      })
    })
  })
}

/** Who left is seen a moment later: nobody tells when. */
async function emptied(natter: Natter, channel: string): Promise<Member[]> {
  for (;;) {
    const members = await natter.presence(channel)
    if (members.length === 0) return members
  }
}

async function piecesOf(progress: AsyncIterable<unknown>): Promise<unknown[]> {
  const pieces: unknown[] = []
  for await (const piece of progress) pieces.push(piece)
  return pieces
}
