/**
 * Ways in which Nest, or a habit from HTTP, would let something through or lose it in silence. One law each, in one list, so
 * that an upgrade of Nest is judged in one place.
 */
import { describe, expect, it } from '@jest/globals'
import {
  Body,
  Catch,
  Controller,
  createParamDecorator,
  Get,
  Global,
  Injectable,
  Module,
  NotFoundException,
  Query,
  Scope,
  StandardSchemaValidationPipe,
  UnauthorizedException,
  UseFilters,
  UseGuards,
  UseInterceptors,
  ValidationPipe,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common'
import { APP_FILTER, APP_GUARD, APP_PIPE, NestFactory } from '@nestjs/core'
import { MessagePattern, Server } from '@nestjs/microservices'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { IsString } from 'class-validator'
import { EMPTY } from 'rxjs'
import { z } from 'zod'
import { at, caller, FakeDriver, valueOf } from '../../test/fake-driver.js'
import { closing, running } from '../../test/running.js'
import {
  ChannelController,
  ConnectionController,
  Ctx,
  CurrentUser,
  Headers,
  NatterModule,
  NatterServer,
  OnConnect,
  OnDisconnect,
  OnPublish,
  OnSubscribe,
  OnUnsubscribe,
  Param,
  Payload,
  Rpc,
  type EventContext,
  type PublishContext,
  type RpcContext,
} from '../index.js'

const quiet = { logger: false, abortOnError: false } as const
const denied = { error: { code: 103, message: 'permission denied' } }

class SayNo implements CanActivate {
  canActivate() {
    return false
  }
}

/** As the documentation of Nest has it. */
class RolesGuard implements CanActivate {
  canActivate(host: ExecutionContext) {
    const { user } = host.switchToHttp().getRequest<{ user: { roles?: string[] } }>()
    return user.roles?.includes('admin') ?? false
  }
}

const dataOf = (reply: object) => {
  const { decision } = reply as { decision: { data?: Uint8Array } }
  return valueOf(decision.data)
}

describe('nothing fails open', () => {
  it('globals hold in a hybrid application that does not inherit its configuration', async () => {
    @ChannelController('chat')
    class Chat {
      @OnPublish(':room') publish() {}
    }
    const driver = new FakeDriver()
    const natter = NatterModule.forRoot({ app: 'test', driver })
    @Module({ imports: [natter], controllers: [Chat], providers: [{ provide: APP_GUARD, useClass: SayNo }] })
    class AppModule {}
    const app = closing(await NestFactory.create(AppModule, new FastifyAdapter(), quiet))
    app.connectMicroservice({ strategy: app.get(NatterServer) }, { inheritAppConfig: false })
    await app.startAllMicroservices()
    await app.init()
    expect(await driver.client.publish('chat:1', {})).toEqual(denied)
  })

  it('a guard given by class works on a controller', async () => {
    @UseGuards(SayNo)
    @ChannelController('chat')
    class Chat {
      @OnSubscribe(':room') subscribe() {}
    }
    const { driver } = await running({ controllers: [Chat] })
    expect(await driver.client.subscribe('chat:1')).toEqual(denied)
  })

  it('a role guard written for HTTP reads the user that the connect hook named, not the one in the message', async () => {
    @UseGuards(RolesGuard)
    @ChannelController('chat')
    class Chat {
      @OnPublish(':room') publish() {}
      @Rpc('call') call() {}
    }
    const { driver } = await running({ controllers: [Chat] })
    const forged = { user: { roles: ['admin'] }, roles: ['admin'] }
    expect(await driver.client.publish('chat:1', forged)).toEqual(denied)
    expect(await driver.client.rpc('call', forged)).toEqual(denied)
    const admin = { ...caller, metaJson: '{"roles":["admin"]}' }
    expect(await driver.ask({ kind: 'rpc', caller: admin, method: 'call', call: '1' })).toEqual({
      decision: {},
    })
  })

  it('fields of meta never stand for the user id', async () => {
    @ChannelController('chat')
    class Chat {
      @Rpc('who') who(@CurrentUser('id') id: string) {
        return id
      }
    }
    const { driver } = await running({ controllers: [Chat] })
    const odd = { ...caller, metaJson: '{"id":"root"}' }
    expect(dataOf(await driver.ask({ kind: 'rpc', caller: odd, method: 'who', call: '1' }))).toBe('ann')
  })

  it('a strategy without transportId is refused, because Nest would give it our handlers', async () => {
    class Foreign extends Server {
      listen(done: () => void) {
        done()
      }
      close() {}
      on() {}
      unwrap(): never {
        throw new Error('no')
      }
    }
    const driver = new FakeDriver()
    const natter = NatterModule.forRoot({ app: 'test', driver })
    @Module({ imports: [natter] })
    class AppModule {}
    const app = closing(await NestFactory.create(AppModule, new FastifyAdapter(), quiet))
    app.connectMicroservice({ strategy: new Foreign() })
    await expect(app.init()).rejects.toThrow('The strategy Foreign has no transportId')
    expect(driver.calls).toEqual([])
  })

  it('a plain @MessagePattern is no rpc of browsers', async () => {
    @Controller()
    class Internal {
      @MessagePattern('internal') internal() {
        return 'secret'
      }
      @MessagePattern('rpc open') open() {
        return 'secret'
      }
    }
    const { driver } = await running({ controllers: [Internal] })
    expect(await driver.client.rpc('internal')).toEqual({ error: { code: 104, message: 'method not found' } })
    expect(await driver.client.rpc('open')).toEqual({ error: { code: 104, message: 'method not found' } })
    expect(driver.app?.table.rpc).toEqual({})
  })

  it.each(['on the method', 'on the class', 'for all'])(
    'a filter %s that answers by itself, as for HTTP, turns no refusal into a yes',
    async (place) => {
      @Catch()
      class HttpFilter implements ExceptionFilter {
        catch(exception: Error) {
          return exception instanceof NotFoundException ? undefined : { sent: true } // response.send(…), in life
        }
      }
      class Chat {
        @OnPublish(':room') @UseGuards(SayNo) publish() {}
        @Rpc('call') call() {
          throw new NotFoundException('no such room')
        }
      }
      if (place === 'on the method')
        for (const key of ['publish', 'call'] as const)
          UseFilters(HttpFilter)(Chat.prototype, key, Object.getOwnPropertyDescriptor(Chat.prototype, key)!)
      if (place === 'on the class') UseFilters(HttpFilter)(Chat)
      ChannelController('chat')(Chat)
      const providers = place === 'for all' ? [{ provide: APP_FILTER, useClass: HttpFilter }] : []
      const { driver } = await running({ controllers: [Chat], providers })
      expect(await driver.client.publish('chat:1', {})).toEqual(denied)
      expect(await driver.client.rpc('call')).toEqual({ error: { code: 404, message: 'no such room' } })
    },
  )

  it('a global filter that fails leaves the exception as it was', async () => {
    @Catch()
    class HttpFilter implements ExceptionFilter {
      catch(_: unknown, host: ExecutionContext) {
        host.switchToHttp().getResponse<{ status(code: number): void }>().status(404)
      }
    }
    @ChannelController('chat')
    class Chat {
      @OnSubscribe(':room') subscribe() {
        throw new NotFoundException('no such room')
      }
    }
    const { driver } = await running({
      controllers: [Chat],
      providers: [{ provide: APP_FILTER, useClass: HttpFilter }],
    })
    expect(await driver.client.subscribe('chat:1')).toEqual({ error: { code: 404, message: 'no such room' } })
  })

  it('a hook whose interceptor leaves the answer out is no yes', async () => {
    class Nothing implements NestInterceptor {
      intercept = () => EMPTY
    }
    @UseInterceptors(Nothing)
    @ChannelController('chat')
    class Chat {
      @OnSubscribe(':room') subscribe() {}
    }
    const { driver } = await running({ controllers: [Chat] })
    expect(await driver.client.subscribe('chat:1')).toMatchObject({ error: { code: 100 } })
  })

  it('a schema holds although no parameter takes the payload', async () => {
    const seen: unknown[] = []
    const schema = z.object({ text: z.string() })
    @ChannelController('chat')
    class Chat {
      @OnPublish(':room', { schema }) none() {}
      @Rpc('named', { schema }) named(@CurrentUser('id') user: unknown) {
        seen.push(user)
      }
    }
    const { driver } = await running({ controllers: [Chat] })
    expect(await driver.client.publish('chat:1', { text: 1 })).toMatchObject({ error: { code: 107 } })
    expect(await driver.client.rpc('named', {})).toMatchObject({ error: { code: 107 } })
    expect(seen).toEqual([])
  })

  it('a subclass that overrides a handler without its decorator is refused: the hook would be gone', () => {
    class Base {
      @OnPublish(':room') publish() {}
    }
    class Chat extends Base {
      override publish() {}
    }
    expect(() => ChannelController('chat')(Chat)).toThrow(
      "Chat.publish overrides the handler of Base and isn't one",
    )
  })
})

describe('nothing is lost in silence', () => {
  it('a second handler for one question is refused, both named', async () => {
    @ChannelController('chat')
    class One {
      @OnPublish(':room') publish() {}
      @Rpc('list') list() {}
    }
    @ChannelController('chat')
    class Two {
      @OnPublish(':any') publish() {}
      @Rpc('list') list() {}
    }
    const start = running({ controllers: [One, Two] })
    await expect(start).rejects.toThrow('"rpc list" is answered by One.list and by Two.list')
    await expect(start).rejects.toThrow(
      'One.publish ("publish chat::room") and Two.publish ("publish chat::any")',
    )
  })

  it("a method with Nest's own pattern too is refused: the outermost alone would count", () => {
    class Chat {
      @OnSubscribe(':room') @MessagePattern('x') subscribe(payload: unknown) {
        return payload === undefined
      }
    }
    expect(() => ChannelController('chat')(Chat)).toThrow(
      'Chat.subscribe has a @MessagePattern or @EventPattern too',
    )
  })

  it('of stacked decorators of ours each counts', async () => {
    const heard: string[] = []
    @ChannelController('chat')
    class Chat {
      @OnUnsubscribe(':room') @OnDisconnect() left(_: unknown, { kind }: EventContext) {
        heard.push(kind)
      }
    }
    const { driver } = await running({ controllers: [Chat] })
    await driver.tell({
      id: '1',
      atMs: 0,
      kind: 'unsubscribe',
      caller,
      ...at('chat:1'),
      code: 2000,
      reason: '',
    })
    await driver.tell({ id: '2', atMs: 0, kind: 'disconnect', caller, code: 3000, reason: '' })
    expect(heard).toEqual(['unsubscribe', 'disconnect'])
  })

  it("Nest's @Param, @Headers, @Body and @Payload, and parameters without a decorator, are what they look like", async () => {
    const Own = createParamDecorator(
      (_: undefined, host: ExecutionContext) => host.switchToHttp().getRequest<{ ip: string }>().ip,
    )
    const seen: unknown[] = []
    @ChannelController('chat')
    class Chat {
      @OnPublish(':room') decorated(
        @Param('room') room: string,
        @Param() all: object,
        @Headers('Authorization') token: string,
        @Payload('text') text: string,
        @Body() body: object,
        @Ctx() context: PublishContext,
        @Own() ip: string,
      ) {
        seen.push(room, all, token, text, body, context.channel, ip)
      }
      @Rpc('plain') plain(payload: unknown, context: RpcContext) {
        seen.push(payload, context.name)
      }
    }
    const { driver } = await running({ controllers: [Chat] })
    await driver.client.publish('chat:1', { text: 'hi' })
    await driver.client.rpc('plain', 5)
    expect(seen).toEqual([
      '1',
      { room: '1' },
      'Bearer x',
      'hi',
      { text: 'hi' },
      'chat:1',
      '10.0.0.1',
      5,
      'plain',
    ])
  })

  it('a parameter decorator without meaning is refused', () => {
    class Chat {
      @OnSubscribe(':room') subscribe(@Query('x') x: string) {
        return x === ''
      }
    }
    expect(() => ChannelController('chat')(Chat)).toThrow('has no meaning for a Natter event')
  })

  it('a schema that transforms runs once, also under a global StandardSchemaValidationPipe', async () => {
    let runs = 0
    const schema = z.object({
      count: z.string().transform((text) => {
        runs += 1
        return Number(text)
      }),
    })
    @ChannelController('chat')
    class Chat {
      @Rpc('a', { schema }) a(payload: { count: number }) {
        return payload
      }
      @Rpc('b') b(@Payload({ schema }) payload: { count: number }) {
        return payload
      }
    }
    const { driver } = await running({
      controllers: [Chat],
      providers: [{ provide: APP_PIPE, useClass: StandardSchemaValidationPipe }],
    })
    expect(dataOf(await driver.client.rpc('a', { count: '7' }))).toEqual({ count: 7 })
    expect(dataOf(await driver.client.rpc('b', { count: '7' }))).toEqual({ count: 7 })
    expect(runs).toBe(2)
  })

  it('an HttpException keeps its meaning, and a bug tells the client nothing', async () => {
    @ConnectionController()
    class Door {
      @OnConnect() connect(): never {
        throw new UnauthorizedException('session is over')
      }
      @Rpc('bug') bug() {
        throw new Error('password is 1234')
      }
    }
    const { driver } = await running({ controllers: [Door] })
    expect(await driver.client.connect()).toEqual({ error: { code: 101, message: 'session is over' } })
    expect(await driver.client.rpc('bug')).toEqual({
      error: { code: 100, message: 'internal server error', temporary: true },
    })
  })

  it('a schema of the same name as its type does not break class-validator, and its classes still work', async () => {
    const Message = z.object({ text: z.string() })
    type Message = z.infer<typeof Message>
    class Dto {
      @IsString() text!: string
    }
    @ChannelController('chat')
    class Chat {
      @Rpc('schema', { schema: Message }) bySchema(message: Message) {
        return message
      }
      @Rpc('dto') byClass(dto: Dto) {
        return dto instanceof Dto
      }
    }
    const { driver } = await running({
      controllers: [Chat],
      providers: [{ provide: APP_PIPE, useValue: new ValidationPipe({ transform: true }) }],
    })
    expect(dataOf(await driver.client.rpc('schema', { text: 'hi' }))).toEqual({ text: 'hi' })
    expect(dataOf(await driver.client.rpc('dto', { text: 'hi' }))).toBe(true)
    expect(await driver.client.rpc('dto', { text: 1 })).toEqual({
      error: {
        code: 107,
        message: 'text must be a string',
        details: [{ path: '', message: 'text must be a string' }],
      },
    })
  })

  it('handlers of a base class work under two namespaces, each with its own metadata', async () => {
    const schema = z.object({ text: z.string() })
    const heard: string[] = []
    abstract class Base {
      @OnPublish(':room', { schema })
      publish(
        @Payload() message: { text: string },
        @Param('room') room: string,
        @Ctx() context: PublishContext,
      ) {
        heard.push(`${this.constructor.name} ${context.namespace} ${room} ${message.text}`)
      }
    }
    @ChannelController('one')
    class One extends Base {}
    @UseGuards(SayNo)
    @ChannelController('two')
    class Two extends Base {}
    @ChannelController('three')
    class Three extends One {} // a decorated base
    const { driver } = await running({ controllers: [One, Two, Three] })
    expect(await driver.client.publish('one:a', { text: 'x' })).toEqual({ decision: {} })
    expect(await driver.client.publish('two:b', { text: 'x' })).toEqual(denied)
    expect(await driver.client.publish('three:c', { text: 'x' })).toEqual({ decision: {} })
    expect(await driver.client.publish('three:c', { text: 1 })).toMatchObject({ error: { code: 107 } })
    expect(heard).toEqual(['One one a x', 'Three three c x'])
  })

  it('two classes of one name do not share their parameters', async () => {
    const make = (namespace: string) => {
      if (namespace === 'a') {
        @ChannelController('a')
        class Same {
          @OnPublish(':room') publish(@Param('room') room: string) {
            return { room }
          }
        }
        return Same
      }
      @ChannelController('b')
      class Same {
        @OnPublish(':room') publish(@Payload('text') text: string) {
          return { text }
        }
      }
      return Same
    }
    const { driver } = await running({ controllers: [make('a'), make('b')] })
    expect(dataOf(await driver.client.publish('a:1', { text: 'hi' }))).toEqual({ room: '1' })
    expect(dataOf(await driver.client.publish('b:1', { text: 'hi' }))).toEqual({ text: 'hi' })
  })
})

describe('nothing is request-scoped', () => {
  @Injectable({ scope: Scope.REQUEST })
  class PerRequest {}

  @Injectable({ scope: Scope.REQUEST })
  class PerRequestGuard extends SayNo {}

  it.each([
    [
      'a dependency',
      () => {
        @ChannelController('chat')
        class Chat {
          constructor(readonly scoped: PerRequest) {}
          @OnSubscribe(':room') subscribe() {}
        }
        return { controllers: [Chat], providers: [PerRequest] }
      },
    ],
    [
      'a guard of the method',
      () => {
        @ChannelController('chat')
        class Chat {
          @UseGuards(PerRequestGuard) @OnSubscribe(':room') subscribe() {}
        }
        return { controllers: [Chat] }
      },
    ],
    [
      'an APP_GUARD',
      () => {
        @ChannelController('chat')
        class Chat {
          @OnSubscribe(':room') subscribe() {}
        }
        return {
          controllers: [Chat],
          providers: [{ provide: APP_GUARD, useClass: SayNo, scope: Scope.REQUEST }],
        }
      },
    ],
  ])('%s that is refuses the start: each message would build it anew', async (_, metadata) => {
    await expect(running(metadata())).rejects.toThrow('Chat is request-scoped')
  })
})

describe('the mesh starts last and stops first', () => {
  const hooked = (name: string, steps: string[]) => {
    class Hooked {
      onModuleInit = () => steps.push(`${name}.init`)
      onApplicationBootstrap = () => steps.push(`${name}.boot`)
      onModuleDestroy = () => steps.push(`${name}.destroy`)
    }
    return { provide: name, useValue: new Hooked() }
  }

  function application() {
    const steps: string[] = []
    const driver = new FakeDriver((step) => steps.push(step))
    const natter = NatterModule.forRoot({ app: 'test', driver })
    @Global()
    @Module({ providers: [hooked('global', steps)] })
    class GlobalModule {}
    @Module({ imports: [natter, GlobalModule], providers: [hooked('db', steps)] })
    class AppModule {}
    return { AppModule, driver, steps }
  }

  const started = ['global.init', 'db.init', 'global.boot', 'db.boot', 'START']
  const order = [...started, 'DRAIN', 'STOP', 'db.destroy', 'global.destroy']

  it('also beside global modules, which count as the deepest', async () => {
    const { AppModule, steps } = application()
    const app = await NestFactory.createApplicationContext(AppModule, quiet)
    await app.close()
    expect(steps).toEqual(order)
  })

  it('once, where a microservice is initialised and then listens, which runs the hooks twice', async () => {
    const { AppModule, steps } = application()
    const app = await NestFactory.createMicroservice(AppModule, {
      ...quiet,
      useFactory: (strategy: NatterServer) => ({ strategy }),
      inject: [NatterServer],
    })
    await app.init()
    await app.listen()
    await app.close()
    expect(steps.filter((step) => step === 'START' || step === 'DRAIN')).toEqual(['START', 'DRAIN'])
  })

  it('in a hybrid application that starts its microservices before it listens', async () => {
    const { AppModule, steps } = application()
    const app = await NestFactory.create(AppModule, new FastifyAdapter(), quiet)
    app.connectMicroservice({ strategy: app.get(NatterServer) })
    await app.startAllMicroservices()
    await app.init()
    await app.close()
    expect(steps).toEqual(order)
  })
})

describe('an HTTP route beside handlers', () => {
  it('works on the same class', async () => {
    @Controller('api/chat')
    @ChannelController('chat')
    class Chat {
      @OnSubscribe(':room') subscribe() {}
      @Get('rooms') rooms() {
        return ['lobby']
      }
    }
    const driver = new FakeDriver()
    const natter = NatterModule.forRoot({ app: 'test', driver })
    @Module({ imports: [natter], controllers: [Chat] })
    class AppModule {}
    const app = closing(await NestFactory.create(AppModule, new FastifyAdapter(), quiet))
    await app.init()
    const fastify = app.getHttpAdapter().getInstance() as unknown as {
      inject(url: string): Promise<{ json(): unknown }>
    }
    expect((await fastify.inject('/api/chat/rooms')).json()).toEqual(['lobby'])
    expect(await driver.client.subscribe('chat:1')).toEqual({ decision: {} })
  })

  it('is refused on the same method', () => {
    class Chat {
      @Get('rooms') @OnSubscribe(':room') rooms() {}
    }
    expect(() => ChannelController('chat')(Chat)).toThrow(
      'Chat.rooms is an HTTP route and a handler of the mesh',
    )
  })
})
