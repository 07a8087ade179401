/**
 * The handlers of an application that isn't started.
 *
 * F1. Nest looks through the modules in its preview: no controller and no provider is made, no factory is called, nothing is connected.
 * F2. What would be refused at the start is refused here, in the same words.
 */
import { InvalidError } from '@natter/primitives'
import type { DynamicModule, Type } from '@nestjs/common'
import { ModulesContainer, NestFactory } from '@nestjs/core'
import type { Handler } from '../decorators/handler.js'
import { handlerNames, roleOf } from '../decorators/compile.js'
import { nestKeys } from '../decorators/nest-names.js'
import type { NatterOptions } from '../natter.options.js'
import { HandlerTable } from '../pipeline/handler-table.js'

export type AppModule = Type | DynamicModule

export interface Found {
  /** Undefined where `forRootAsync` would say it later. */
  app: string | undefined
  handlers: Handler[]
}

/** @throws InvalidError `handlers-clash`, `no-handlers`. */
export async function findHandlers(module: AppModule, optionsToken: unknown): Promise<Found> {
  const preview = await NestFactory.createApplicationContext(module, {
    preview: true, // F1
    logger: ['error'],
    abortOnError: false,
  })
  const modules = [...preview.get(ModulesContainer, { strict: false }).values()]
  const types = modules.flatMap(({ controllers }) =>
    [...controllers.values()].map(({ metatype }) => metatype),
  )
  const handlers = types.flatMap((type) => (isController(type) ? handlersOf(type) : []))
  refuseClashes(handlers)
  const options = modules
    .map(
      ({ providers }) =>
        providers.get(optionsToken as never)?.instance as Partial<NatterOptions> | null | undefined,
    )
    .find((found) => found !== undefined && found !== null)
  return { app: options?.app, handlers }
}

type Class = { readonly name: string; readonly prototype: Record<string, object> }

const isController = (type: unknown): type is Class =>
  typeof type === 'function' && roleOf(type) !== undefined

function handlersOf(type: Class): Handler[] {
  return handlerNames(type).flatMap((key) => {
    const extras = Reflect.getMetadata(nestKeys.extras, type.prototype[key]!) as {
      natter?: readonly Handler[]
    }
    return extras.natter ?? []
  })
}

/** F2. */
function refuseClashes(handlers: readonly Handler[]): void {
  const table = new HandlerTable()
  const refusals = handlers.flatMap((handler) => table.add({ handler, run: never }) ?? [])
  if (refusals.length > 0) throw new InvalidError('handlers-clash', refusals.join('\n'))
}

const never = () => Promise.reject(new Error('nothing runs in a preview'))
