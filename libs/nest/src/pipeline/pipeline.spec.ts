import { describe, expect, it } from '@jest/globals'
import {
  Catch,
  Inject,
  Injectable,
  Module,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentMetadata,
  type CanActivate,
  type ExceptionFilter,
  type NestInterceptor,
  type PipeTransform,
  type Type,
} from '@nestjs/common'
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core'
import { tap, throwError } from 'rxjs'
import type { HookEvent, HookRequest } from '@natter/hooks'
import { at, bytesOf, caller, FakeDriver } from '../../test/fake-driver.js'
import { hosts, type Globals } from '../../test/hosts.js'
import { closing } from '../../test/running.js'
import {
  ChannelController,
  ClientError,
  ConnectionController,
  Ctx,
  NatterModule,
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
  Payload,
  Rpc,
  type NatterContext,
} from '../index.js'

/** What ran, in its order; and what the handler throws. One for each application. */
class Trace {
  steps: string[] = []
  failure: Error | undefined
}

class MethodFailure extends Error {}
class ClassFailure extends Error {}
class UsedFailure extends Error {}
class AppFailure extends Error {}

interface Enhancers {
  guard: Type<CanActivate>
  pipe: Type<PipeTransform>
  interceptor: Type<NestInterceptor>
  filter: Type<ExceptionFilter>
}

/** Classes, so that each level needs Nest to make them. */
function enhancers(level: string, failures: Type<Error>[]): Enhancers {
  @Injectable()
  class Guard implements CanActivate {
    constructor(@Inject(Trace) private readonly trace: Trace) {}
    canActivate() {
      this.trace.steps.push(`guard ${level}`)
      return true
    }
  }
  @Injectable()
  class Pipe implements PipeTransform {
    constructor(@Inject(Trace) private readonly trace: Trace) {}
    transform(value: unknown, { type }: ArgumentMetadata) {
      if (type === 'body') this.trace.steps.push(`pipe ${level}`)
      return value
    }
  }
  @Injectable()
  class Interceptor implements NestInterceptor {
    constructor(@Inject(Trace) private readonly trace: Trace) {}
    intercept: NestInterceptor['intercept'] = (_, next) => {
      this.trace.steps.push(`in ${level}`)
      return next.handle().pipe(tap(() => this.trace.steps.push(`out ${level}`)))
    }
  }
  @Injectable()
  @Catch(...failures)
  class Filter implements ExceptionFilter {
    constructor(@Inject(Trace) private readonly trace: Trace) {}
    catch() {
      this.trace.steps.push(`filter ${level}`)
      return throwError(() => new ClientError(1999, level))
    }
  }
  return { guard: Guard, pipe: Pipe, interceptor: Interceptor, filter: Filter }
}

const method = enhancers('method', [MethodFailure])
const type = enhancers('class', [MethodFailure, ClassFailure])
const used = enhancers('useGlobal', [MethodFailure, ClassFailure, UsedFailure])
const app = enhancers('APP_', [MethodFailure, ClassFailure, UsedFailure, AppFailure])

const OnMethod = () => (target: object, key: string, descriptor: PropertyDescriptor) => {
  UseGuards(method.guard)(target, key, descriptor)
  UsePipes(method.pipe)(target, key, descriptor)
  UseInterceptors(method.interceptor)(target, key, descriptor)
  UseFilters(method.filter)(target, key, descriptor)
}
const OnClass = () => (target: Type) => {
  UseGuards(type.guard)(target)
  UsePipes(type.pipe)(target)
  UseInterceptors(type.interceptor)(target)
  UseFilters(type.filter)(target)
}

@Injectable()
class ParameterPipe implements PipeTransform {
  constructor(@Inject(Trace) private readonly trace: Trace) {}
  transform(value: unknown) {
    this.trace.steps.push('pipe parameter')
    return value
  }
}

class Handling {
  constructor(@Inject(Trace) private readonly trace: Trace) {}
  protected handle(context: NatterContext): void {
    this.trace.steps.push(`handler ${context.kind}`)
    if (this.trace.failure !== undefined) throw this.trace.failure
  }
}

@OnClass()
@ConnectionController()
class Door extends Handling {
  @OnMethod() @OnConnect() connect(@Payload(ParameterPipe) _: unknown, @Ctx() context: NatterContext) {
    this.handle(context)
    return { user: 'ann' }
  }
  @OnMethod() @OnRefresh() refresh(@Payload(ParameterPipe) _: unknown, @Ctx() context: NatterContext) {
    this.handle(context)
    return {}
  }
  @OnMethod() @OnDisconnect() left(@Payload(ParameterPipe) _: unknown, @Ctx() context: NatterContext) {
    this.handle(context)
  }
  @OnMethod() @OnMessage() sent(@Payload(ParameterPipe) _: unknown, @Ctx() context: NatterContext) {
    this.handle(context)
  }
}

@OnClass()
@ChannelController('chat')
class Chat extends Handling {
  @OnMethod() @OnSubscribe(':room') subscribe(
    @Payload(ParameterPipe) _: unknown,
    @Ctx() context: NatterContext,
  ) {
    this.handle(context)
  }
  @OnMethod() @OnPublish(':room') publish(@Payload(ParameterPipe) _: unknown, @Ctx() context: NatterContext) {
    this.handle(context)
  }
  @OnMethod() @OnPresence(':room') presence(
    @Payload(ParameterPipe) _: unknown,
    @Ctx() context: NatterContext,
  ) {
    this.handle(context)
  }
  @OnMethod() @OnHistory(':room') history(@Payload(ParameterPipe) _: unknown, @Ctx() context: NatterContext) {
    this.handle(context)
  }
  @OnMethod() @Rpc('call') call(@Payload(ParameterPipe) _: unknown, @Ctx() context: NatterContext) {
    this.handle(context)
  }
  @OnMethod() @OnUnsubscribe(':room') gone(
    @Payload(ParameterPipe) _: unknown,
    @Ctx() context: NatterContext,
  ) {
    this.handle(context)
  }
  @OnMethod() @OnOccupied(':room') full(@Payload(ParameterPipe) _: unknown, @Ctx() context: NatterContext) {
    this.handle(context)
  }
  @OnMethod() @OnVacated(':room') empty(@Payload(ParameterPipe) _: unknown, @Ctx() context: NatterContext) {
    this.handle(context)
  }
}

const chat = at('chat:1')
const data = bytesOf({ text: 'hi' })
const requests: HookRequest[] = [
  { kind: 'connect', caller },
  { kind: 'refresh', caller },
  { kind: 'subscribe', caller, ...chat },
  { kind: 'publish', caller, ...chat, data },
  { kind: 'presence', caller, ...chat },
  { kind: 'history', caller, ...chat },
  { kind: 'rpc', caller, method: 'call', call: '1' },
]
const told = { id: 'e1', atMs: 0 }
const events: HookEvent[] = [
  { ...told, kind: 'unsubscribe', caller, ...chat, code: 2000, reason: '' },
  { ...told, kind: 'disconnect', caller, code: 3000, reason: '' },
  { ...told, kind: 'occupied', ...chat },
  { ...told, kind: 'vacated', ...chat },
  { ...told, kind: 'message', caller, data },
]

const levelsOf = (hasUseGlobal: boolean) => [
  'APP_',
  ...(hasUseGlobal ? ['useGlobal'] : []),
  'class',
  'method',
]

/** Nest's own order. */
function orderOf(kind: string, hasUseGlobal: boolean): string[] {
  const levels = levelsOf(hasUseGlobal)
  return [
    ...levels.map((level) => `guard ${level}`),
    ...levels.map((level) => `in ${level}`),
    ...levels.map((level) => `pipe ${level}`),
    'pipe parameter',
    `handler ${kind}`,
    ...levels.toReversed().map((level) => `out ${level}`),
  ]
}

describe.each(hosts)('in $name', (host) => {
  async function start() {
    const driver = new FakeDriver()
    const trace = new Trace()
    const natter = NatterModule.forRoot({ app: 'test', driver })
    @Module({ providers: [{ provide: Trace, useValue: trace }], exports: [Trace] })
    class Shared {}
    @Module({
      imports: [natter, Shared],
      controllers: [Door, Chat],
      providers: [
        { provide: APP_GUARD, useClass: app.guard },
        { provide: APP_PIPE, useClass: app.pipe },
        { provide: APP_INTERCEPTOR, useClass: app.interceptor },
        { provide: APP_FILTER, useClass: app.filter },
      ],
    })
    class AppModule {}
    const globals: Globals = {
      guards: [new used.guard(trace)],
      pipes: [new used.pipe(trace)],
      interceptors: [new used.interceptor(trace)],
      filters: [new used.filter(trace)],
    }
    closing(await host.start(AppModule, globals))
    trace.steps = []
    return { driver, trace }
  }

  it('every guard, interceptor and pipe works on every question, in the order of Nest', async () => {
    const { driver, trace } = await start()
    for (const request of requests) {
      trace.steps = []
      const reply = await driver.ask(request)
      expect([request.kind, 'decision' in reply]).toEqual([request.kind, true])
      expect(trace.steps).toEqual(orderOf(request.kind, host.hasUseGlobal))
    }
  })

  it('every guard, interceptor and pipe works on every event, in the order of Nest', async () => {
    const { driver, trace } = await start()
    for (const event of events) {
      trace.steps = []
      await driver.tell(event)
      expect(trace.steps).toEqual(orderOf(event.kind, host.hasUseGlobal))
    }
  })

  it.each([
    ['method', MethodFailure],
    ['class', ClassFailure],
    ...(host.hasUseGlobal ? ([['useGlobal', UsedFailure]] as const) : []),
    ['APP_', AppFailure],
  ])(
    'what the %s filter catches goes to it, the nearest one, for every question and event',
    async (level, Failure) => {
      const { driver, trace } = await start()
      trace.failure = new Failure('x')
      for (const request of requests) {
        trace.steps = []
        expect(await driver.ask(request)).toEqual({ error: { code: 1999, message: level } })
        expect(trace.steps.filter((step) => step.startsWith('filter'))).toEqual([`filter ${level}`])
      }
      for (const event of events) {
        trace.steps = []
        await driver.tell(event)
        expect(trace.steps.filter((step) => step.startsWith('filter'))).toEqual([`filter ${level}`])
      }
    },
  )
})
