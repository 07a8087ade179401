/**
 * Filters written for HTTP answer by themselves, and return nothing or their response. Of nothing Nest makes "Internal server
 * error"; the response it would take for the handler's own result: a guard's refusal would be a publication let through. So
 * whatever a filter returns that isn't an Observable, and whatever it throws, leaves the word to our filter, on the exception as it was.
 */
import { InternalError } from '@natter/primitives'
import type { ArgumentsHost } from '@nestjs/common'
import type { NestMicroservice } from '@nestjs/microservices'
import { isObservable, type Observable } from 'rxjs'
import { ErrorsFilter } from './errors.filter.js'

interface ExceptionsHandler {
  handle(exception: unknown, host: ArgumentsHost): unknown
  invokeCustomFilters(exception: unknown, host: ArgumentsHost): unknown
}
interface ExceptionFiltersContext {
  create(...args: unknown[]): ExceptionsHandler
}

/** @throws InternalError `unknown-nest`: Nest isn't built as it was, and filters can't be made safe. */
export function makeFiltersSafe(host: NestMicroservice): void {
  const context = filtersContextOf(host)
  const create = context.create.bind(context)
  context.create = (...args) => {
    const handler = create(...args)
    handler.handle = (exception, argumentsHost) =>
      safely(exception, () => handler.invokeCustomFilters(exception, argumentsHost))
    return handler
  }
}

function filtersContextOf(host: NestMicroservice): ExceptionFiltersContext {
  const path = ['microservicesModule', 'listenersController', 'exceptionFiltersContext']
  let at: unknown = host
  for (const name of path) at = (at as Record<string, unknown> | undefined)?.[name]
  if (typeof (at as ExceptionFiltersContext | undefined)?.create === 'function')
    return at as ExceptionFiltersContext
  throw new InternalError(
    'unknown-nest',
    `@nestjs/microservices has no ${path.join('.')}: which version is it?`,
  )
}

const fallback = new ErrorsFilter()

function safely(exception: unknown, handle: () => unknown): unknown {
  const refuse = () => fallback.catch(exception)
  try {
    const result = handle()
    return result instanceof Promise
      ? result.then((late) => observableOr(late, refuse), refuse)
      : observableOr(result, refuse)
  } catch {
    return refuse()
  }
}

function observableOr(result: unknown, refuse: () => Observable<never>): Observable<unknown> {
  return isObservable(result) ? result : refuse()
}
