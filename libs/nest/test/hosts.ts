/** The forms in which Nest runs an application. Each starts it fully and gives back how to stop it. */
import type {
  CanActivate,
  ExceptionFilter,
  INestApplicationContext,
  NestInterceptor,
  PipeTransform,
  Type,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { Test } from '@nestjs/testing'
import { NatterServer } from '../src/index.js'

export interface Globals {
  guards: CanActivate[]
  pipes: PipeTransform[]
  interceptors: NestInterceptor[]
  filters: ExceptionFilter[]
}

export interface Host {
  name: string
  /** Whether it has `useGlobalGuards` and so on. */
  hasUseGlobal: boolean
  start(module: Type, globals?: Globals): Promise<INestApplicationContext>
}

const quiet = { logger: false, abortOnError: false } as const

interface Global {
  useGlobalGuards(...guards: CanActivate[]): unknown
  useGlobalPipes(...pipes: PipeTransform[]): unknown
  useGlobalInterceptors(...interceptors: NestInterceptor[]): unknown
  useGlobalFilters(...filters: ExceptionFilter[]): unknown
}

function use(app: Global, globals: Globals | undefined): void {
  if (globals === undefined) return
  app.useGlobalGuards(...globals.guards)
  app.useGlobalPipes(...globals.pipes)
  app.useGlobalInterceptors(...globals.interceptors)
  app.useGlobalFilters(...globals.filters)
}

export const hosts: readonly Host[] = [
  {
    name: 'a bare application context',
    hasUseGlobal: false,
    start: (module) => NestFactory.createApplicationContext(module, quiet),
  },
  {
    name: 'an HTTP application',
    hasUseGlobal: true,
    async start(module, globals) {
      const app = await NestFactory.create(module, new FastifyAdapter(), quiet)
      use(app, globals)
      return app.init()
    },
  },
  {
    name: 'createMicroservice',
    hasUseGlobal: true,
    async start(module, globals) {
      const app = await NestFactory.createMicroservice(module, {
        ...quiet,
        useFactory: (strategy: NatterServer) => ({ strategy }),
        inject: [NatterServer],
      })
      use(app, globals)
      await app.listen()
      return app
    },
  },
  {
    name: 'a hybrid application, as the Nest docs write it',
    hasUseGlobal: true,
    async start(module, globals) {
      const app = await NestFactory.create(module, new FastifyAdapter(), quiet)
      app.connectMicroservice({ strategy: app.get(NatterServer) })
      use(app, globals)
      await app.startAllMicroservices()
      return app.init()
    },
  },
  {
    name: 'a testing module',
    hasUseGlobal: false,
    async start(module) {
      const app = await Test.createTestingModule({ imports: [module] })
        .setLogger(false as never)
        .compile()
      return app.init()
    },
  },
]
