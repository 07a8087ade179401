import { describe, expect, it } from '@jest/globals'
import { Module, UnauthorizedException } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { HealthCheckService, TerminusModule } from '@nestjs/terminus'
import { object, pipe, minLength, string } from 'valibot'
import { z } from 'zod'
import { at, bytesOf, caller, FakeDriver, valueOf } from '../../test/fake-driver.js'
import { closing, running } from '../../test/running.js'
import {
  ChannelController,
  ClientError,
  ConnectionController,
  deny,
  DisconnectError,
  Natter,
  NatterHealth,
  NatterModule,
  NatterServer,
  OnConnect,
  OnMessage,
  OnOccupied,
  OnPublish,
  OnSubscribe,
  OnUnsubscribe,
  OnVacated,
  Rpc,
  Signal,
  type MessageContext,
  type OccupiedContext,
  type RpcContext,
} from '../index.js'

const told = { id: 'e1', atMs: 0 }

describe('a question', () => {
  it('nobody answers is refused with its code', async () => {
    @ChannelController('chat')
    class Chat {
      @OnSubscribe('lobby') lobby() {}
    }
    const { driver } = await running({ controllers: [Chat] })
    expect(await driver.client.rpc('x')).toEqual({ error: { code: 104, message: 'method not found' } })
    expect(await driver.client.connect()).toEqual({ error: { code: 108, message: 'not available' } })
    expect(await driver.client.publish('chat:lobby', 1)).toEqual({
      error: { code: 108, message: 'not available' },
    })
    expect(await driver.client.subscribe('chat:other')).toEqual({
      error: { code: 102, message: 'unknown channel' },
    })
  })

  it('goes to the most special path, in whatever order they are written', async () => {
    @ChannelController('chat')
    class Chat {
      @OnPublish(':any') any() {
        return 'any'
      }
      @OnPublish('lobby') lobby() {
        return 'lobby'
      }
      @OnPublish('dm-:a-:b') dm(_: unknown, { params }: { params: object }) {
        return params
      }
    }
    const { driver } = await running({ controllers: [Chat] })
    const stored = async (channel: string) => {
      const reply = await driver.client.publish(channel, 0)
      return 'decision' in reply ? valueOf(reply.decision.data) : reply
    }
    expect(await stored('chat:lobby')).toBe('lobby')
    expect(await stored('chat:dm-ann-bob')).toEqual({ a: 'ann', b: 'bob' })
    expect(await stored('chat:else')).toBe('any')
  })

  it('whose data is bad is 107: the first bad field in the message, all of them in the details', async () => {
    const legs = z.object({ legs: z.array(z.object({ symbol: z.string() })) })
    @ConnectionController()
    class Door {
      @Rpc('zod', { schema: legs }) byZod(payload: z.infer<typeof legs>) {
        return payload
      }
      @Rpc('valibot', { schema: object({ text: pipe(string(), minLength(1, 'say something')) }) })
      byValibot(payload: { text: string }) {
        return payload
      }
    }
    const { driver } = await running({ controllers: [Door] })
    expect(await driver.client.rpc('zod', { legs: [{ symbol: 1 }, {}] })).toMatchObject({
      error: {
        code: 107,
        message: expect.stringMatching(/^legs\.0\.symbol: /),
        details: [{ path: 'legs.0.symbol' }, { path: 'legs.1.symbol' }],
      },
    })
    expect(await driver.client.rpc('valibot', { text: '' })).toEqual({
      error: {
        code: 107,
        message: 'text: say something',
        details: [{ path: 'text', message: 'say something' }],
      },
    })
    const many = Array.from({ length: 40 }, () => ({}))
    const reply = await driver.client.rpc('zod', { legs: many })
    expect('error' in reply && reply.error.details).toHaveLength(16)
    const broken = Buffer.from('{"legs":')
    expect(await driver.ask({ kind: 'rpc', caller, method: 'zod', call: '1', data: broken })).toMatchObject({
      error: { code: 107, message: 'the data is not JSON' },
    })
  })

  it('is answered with what its schema lets through: a reply that does not fit is a bug, and told to no client', async () => {
    const Public = z.object({ name: z.string() })
    @ChannelController('chat')
    class Chat {
      @Rpc('strips', { reply: Public }) strips() {
        return { name: 'ann', password: 'x' }
      }
      @Rpc('wrong', { reply: Public }) wrong() {
        return { name: 5 } as never
      }
      @OnPublish(':room', { stores: Public }) stores(payload: unknown) {
        return payload as { name: string }
      }
    }
    const { driver, app } = await running({ controllers: [Chat] })
    const failed: string[] = []
    app
      .get(NatterServer)
      .on('handler:fail', ({ where, error }) => failed.push(`${where} ${(error as Error).message}`))
    expect(await driver.client.rpc('strips')).toEqual({ decision: { data: bytesOf({ name: 'ann' }) } })
    expect(await driver.client.rpc('wrong')).toMatchObject({ error: { code: 100 } })
    expect(await driver.client.publish('chat:1', { name: 5 })).toMatchObject({ error: { code: 100 } })
    expect(failed).toEqual([
      expect.stringContaining('Chat.wrong returned what its own schema refuses. name: '),
      expect.stringContaining('Chat.stores returned what its own schema refuses. name: '),
    ])
  })

  it('may be answered by a returned refusal, and by one that ends the connection', async () => {
    @ChannelController('chat')
    class Chat {
      @OnPublish(':room') publish() {
        return deny(1409, 'closed')
      }
      @OnSubscribe(':room') subscribe() {
        throw new DisconnectError(4501, 'banned')
      }
    }
    const { driver } = await running({ controllers: [Chat] })
    expect(await driver.client.publish('chat:1', 1)).toEqual({ error: { code: 1409, message: 'closed' } })
    expect(await driver.client.subscribe('chat:1')).toEqual({ disconnect: { code: 4501, reason: 'banned' } })
  })

  it('of an rpc may tell its progress, and hears when nobody waits any more', async () => {
    const ended: string[] = []
    @ConnectionController()
    class Door {
      @Rpc('report') async *report(_: unknown, { name }: RpcContext) {
        yield { percent: 10 }
        yield { percent: 90 }
        return name
      }
      @Rpc('wait') wait(@Signal() signal: AbortSignal) {
        return new Promise((resolve) =>
          signal.addEventListener('abort', () => {
            ended.push('aborted')
            resolve(undefined)
          }),
        )
      }
    }
    const { driver } = await running({ controllers: [Door] })
    const progress: unknown[] = []
    const reply = await driver.client.rpc('report', undefined, {
      progress: (data) => progress.push(valueOf(data)),
    })
    expect(reply).toEqual({ decision: { data: bytesOf('report') } })
    expect(progress).toEqual([{ percent: 10 }, { percent: 90 }])
    const controller = new AbortController()
    const waiting = driver.client.rpc('wait', undefined, { signal: controller.signal })
    await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    await waiting
    expect(ended).toEqual(['aborted'])
  })

  it('of bytes is answered in bytes', async () => {
    @ConnectionController()
    class Door {
      @Rpc('flip', { encoding: 'bytes' }) flip(data: Uint8Array) {
        return data.toReversed()
      }
    }
    const { driver } = await running({ controllers: [Door] })
    const data = new Uint8Array([1, 2, 3])
    expect(await driver.ask({ kind: 'rpc', caller, method: 'flip', call: '1', data })).toEqual({
      decision: { data: new Uint8Array([3, 2, 1]) },
    })
  })
})

describe('an event', () => {
  it('goes to all handlers of its scope whose path it fits, and to no other', async () => {
    const heard: string[] = []
    @ChannelController('chat')
    class One {
      @OnVacated(':room') group() {
        heard.push('group')
      }
      @OnVacated(':room', { scope: 'all' }) all() {
        heard.push('all')
      }
      @OnVacated('lobby') lobby() {
        heard.push('lobby')
      }
      @OnOccupied(':room') occupied(_: unknown, { params }: OccupiedContext) {
        heard.push(`occupied ${params.room}`)
      }
    }
    @ChannelController('chat')
    class Two {
      @OnVacated(':any') group() {
        heard.push('group of another')
      }
    }
    const { driver } = await running({ controllers: [One, Two] })
    await driver.tell({ ...told, kind: 'vacated', ...at('chat:1') }, 'group')
    expect(heard.splice(0)).toEqual(['group', 'group of another'])
    await driver.tell({ ...told, kind: 'vacated', ...at('chat:lobby') }, 'all')
    expect(heard.splice(0)).toEqual(['all'])
    await driver.tell({ ...told, kind: 'occupied', ...at('chat:7') })
    await driver.tell({ ...told, kind: 'occupied', ...at('else:7') })
    expect(heard).toEqual(['occupied 7'])
    expect(driver.app?.table.events).toEqual([
      { kind: 'vacated', scope: 'group', namespace: 'chat' },
      { kind: 'vacated', scope: 'all', namespace: 'chat' },
      { kind: 'occupied', scope: 'group', namespace: 'chat' },
    ])
  })

  it('that fails by chance or by a bug is to be told again; one that says a repeat is useless is given up', async () => {
    let error: Error = new Error('db is away')
    @ChannelController('chat')
    class Chat {
      @OnUnsubscribe(':room') left() {
        throw error
      }
    }
    const { driver, app } = await running({ controllers: [Chat] })
    const dropped: string[] = []
    app.get(NatterServer).on('event:drop', ({ id }) => dropped.push(id))
    const event = { ...told, kind: 'unsubscribe', caller, ...at('chat:1'), code: 0, reason: '' } as const
    await expect(driver.tell(event)).rejects.toMatchObject({ code: 'event-failed' })
    error = new ClientError(1500, 'later', { temporary: true })
    await expect(driver.tell(event)).rejects.toMatchObject({ code: 'event-failed' })
    expect(dropped).toEqual([])
    error = new UnauthorizedException()
    await driver.tell(event)
    expect(dropped).toEqual(['e1'])
  })

  it('of a client that sends what it may not can end its connection', async () => {
    @ConnectionController()
    class Door {
      @OnMessage({ schema: z.object({ ping: z.number() }) })
      sent(_: { ping: number }, { user }: MessageContext) {
        throw new DisconnectError(4000, `enough, ${user.id}`)
      }
    }
    const { driver } = await running({ controllers: [Door] })
    await driver.tell({ ...told, kind: 'message', caller, data: bytesOf({ ping: 1 }) })
    await driver.tell({ ...told, kind: 'message', caller, data: bytesOf({ pong: 1 }) }) // refused, and never told again
    expect(driver.done).toEqual([
      { name: 'disconnect', args: ['ann', { client: 'c1', code: 4000, reason: 'enough, ann' }] },
    ])
  })
})

describe('the start', () => {
  it('tells the mesh what the application answers', async () => {
    @ConnectionController()
    class Door {
      @OnConnect() connect() {
        return { user: '' }
      }
      @Rpc('a') a() {}
      @Rpc('b', { idempotent: true }) b() {}
      @OnMessage() sent() {}
    }
    @ChannelController('chat')
    class Chat {
      @OnSubscribe(':a') one() {}
      @OnSubscribe('lobby') two() {}
      @OnPublish(':a') publish() {}
    }
    @ChannelController('')
    class Bare {
      @OnPublish(':a') publish() {}
    }
    const { driver } = await running({ controllers: [Door, Chat, Bare] })
    expect(driver.app?.table).toEqual({
      connection: ['connect'],
      namespaces: { chat: ['subscribe', 'publish'], '': ['publish'] },
      rpc: { a: { idempotent: false }, b: { idempotent: true } },
      events: [{ kind: 'message', scope: 'group' }],
    })
  })

  it('that the mesh refuses is an application that does not start', async () => {
    const driver = new FakeDriver()
    driver.failWith = new Error('chat is answered by another app')
    await expect(running({}, { driver })).rejects.toThrow('answered by another app')
  })
})

describe('the drain', () => {
  @ConnectionController()
  class Door {
    static release = () => {}
    @Rpc('slow') slow() {
      return new Promise<string>((resolve) => {
        Door.release = () => resolve('done')
      })
    }
  }

  it('lets handlers in work end, once, and health says so from its first moment', async () => {
    const { driver, app } = await running({
      controllers: [Door],
      imports: [TerminusModule.forRoot({ logger: false })],
    })
    const terminus = app.get(HealthCheckService, { strict: false })
    const health = app.get(NatterHealth)
    const check = () => terminus.check([() => health.check()])
    expect(await check()).toMatchObject({ status: 'ok', details: { natter: { status: 'up', inFlight: 0 } } })

    const answer = driver.client.rpc('slow')
    const [first, second] = [app.close(), app.get(NatterServer).close()]
    await expect(check()).rejects.toMatchObject({ status: 503 })
    expect(health.check().natter).toMatchObject({ status: 'down', mesh: 'draining', inFlight: 1 })
    await new Promise((resolve) => setImmediate(resolve))
    expect(driver.calls).toEqual(['START', 'DRAIN'])
    Door.release()
    await Promise.all([first, second])
    expect(await answer).toEqual({ decision: { data: bytesOf('done') } })
    expect(driver.calls).toEqual(['START', 'DRAIN', 'STOP'])
    expect(health.check().natter).toMatchObject({ status: 'down', mesh: 'down' })
  })

  it('waits no longer than drainTimeoutMs', async () => {
    const { driver, app } = await running({ controllers: [Door] }, { drainTimeoutMs: 1 })
    const left: number[] = []
    app.get(NatterServer).on('drain:end', ({ inWork }) => left.push(inWork))
    void driver.client.rpc('slow')
    await app.close()
    expect(left).toEqual([1])
    Door.release()
  })

  it('that fails is told and is the exit code, for Nest swallows what a destroy hook throws', async () => {
    const before = process.exitCode
    const { driver, app } = await running({})
    const failed: unknown[] = []
    app.get(NatterServer).on('drain:fail', ({ error }) => failed.push(error))
    driver.failWith = new Error('no way')
    await app.close()
    expect(failed).toEqual([driver.failWith])
    expect(process.exitCode).toBe(1)
    process.exitCode = before
  })
})

describe('the module', () => {
  it('is made once: two would be two apps in one', async () => {
    const driver = new FakeDriver()
    @Module({
      imports: [NatterModule.forRoot({ app: 'a', driver }), NatterModule.forRoot({ app: 'b', driver })],
    })
    class AppModule {}
    const start = NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false })
    await expect(start).rejects.toThrow('keep its result in a constant')
    expect(driver.calls).toEqual([])
  })

  it('refuses by rejecting, also without abortOnError: false; no process ends without a word', async () => {
    @ConnectionController()
    class Door {
      @Rpc('a') a() {}
    }
    @Module({ imports: [NatterModule.forRoot({ app: 'a', driver: new FakeDriver() })], providers: [Door] })
    class AppModule {}
    await expect(NestFactory.createApplicationContext(AppModule, { logger: false })).rejects.toThrow('Door')
  })

  it('takes its options from a factory', async () => {
    const driver = new FakeDriver()
    const natter = NatterModule.forRootAsync({
      inject: ['CONFIG'],
      useFactory: (app: string) => ({ app, driver }),
      imports: [
        {
          module: class Config {},
          providers: [{ provide: 'CONFIG', useValue: 'chat' }],
          exports: ['CONFIG'],
        },
      ],
    })
    @Module({ imports: [natter] })
    class AppModule {}
    closing(await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false }))
    expect(driver.calls).toEqual(['START'])
  })

  it.each([
    [{ app: 'a b' }, "needs 'app'"],
    [{ app: 'a', drainTimeout: 5 }, 'no option "drainTimeout"'],
    [{ app: 'a', instance: '*' }, "'instance'"],
    [{ app: 'a', drainTimeoutMs: -1 }, "'drainTimeoutMs'"],
    [{ app: 'a', driver: undefined }, 'the address of NATS'],
  ])('refuses %p', async (options, why) => {
    await expect(running({}, options as object)).rejects.toThrow(why)
  })
})

describe('globals', () => {
  it.each([
    [false, false],
    [true, true],
    [(_: object, kind: string) => kind !== 'guard', false],
  ])('%p: the guard for all works: %p', async (globals, isRefused) => {
    const { APP_GUARD } = await import('@nestjs/core')
    @ConnectionController()
    class Door {
      @Rpc('a') a() {}
    }
    const providers = [{ provide: APP_GUARD, useValue: { canActivate: () => false } }]
    const { driver } = await running({ controllers: [Door], providers }, { globals })
    expect('error' in (await driver.client.rpc('a'))).toBe(isRefused)
  })
})

describe('Natter', () => {
  it('publishes values as JSON, and bytes where it is told to', async () => {
    const { driver, app } = await running({})
    const natter = app.get(Natter)
    expect(await natter.publish('chat:1', { text: 'hi' }, { idempotencyKey: 'k' })).toEqual({
      position: { offset: 8, epoch: 'e' },
    })
    await natter.broadcast(['a', 'b'], new Uint8Array([1]), { encoding: 'bytes', tags: { a: 'b' } })
    await expect(natter.publish('a', new Uint8Array([1]))).rejects.toThrow("encoding: 'bytes'")
    await expect(natter.publish('a', undefined)).rejects.toThrow('no JSON')
    expect(driver.done).toEqual([
      { name: 'publish', args: ['chat:1', bytesOf({ text: 'hi' }), { idempotencyKey: 'k' }] },
      { name: 'broadcast', args: [['a', 'b'], new Uint8Array([1]), { tags: { a: 'b' } }] },
    ])
  })

  it('reads presence and history as values, and ends what a user has', async () => {
    const { driver, app } = await running({})
    const natter = app.get(Natter)
    expect(await natter.presence('chat:1')).toEqual([{ user: 'ann', client: 'c1', info: { name: 'Ann' } }])
    expect(await natter.history('chat:1', { limit: 1 })).toEqual({
      publications: [{ data: { text: 'hi' }, offset: 7, info: { user: 'ann', client: 'c1' } }],
      position: { offset: 7, epoch: 'e' },
    })
    await natter.subscribe('ann', 'chat:1', { info: 1, client: 'c1' })
    await natter.unsubscribe('ann', 'chat:1')
    await natter.disconnect('ann', { code: 4000, reason: 'bye' })
    expect(driver.done.slice(2)).toEqual([
      { name: 'subscribe', args: ['ann', 'chat:1', { infoJson: '1', client: 'c1' }] },
      { name: 'unsubscribe', args: ['ann', 'chat:1', { code: 2000, reason: 'server unsubscribe' }] },
      { name: 'disconnect', args: ['ann', { code: 4000, reason: 'bye' }] },
    ])
  })
})
