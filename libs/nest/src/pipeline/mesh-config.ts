import type { CanActivate, ExceptionFilter, NestInterceptor, PipeTransform } from '@nestjs/common'
import { ApplicationConfig } from '@nestjs/core'
import type { ResolvedOptions } from '../natter.options.js'
import { ErrorsFilter } from './errors.filter.js'

/**
 * The pipeline's own configuration: the application's globals, those that may, and our filter before them, hence asked last. The
 * application's HTTP side never sees that one.
 */
export function meshConfig(app: ApplicationConfig, isGlobal: ResolvedOptions['isGlobal']): ApplicationConfig {
  const config = new ApplicationConfig()
  config.useGlobalFilters(
    new ErrorsFilter(),
    ...app.getGlobalFilters().filter((f: ExceptionFilter) => isGlobal(f, 'filter')),
  )
  config.useGlobalGuards(...app.getGlobalGuards().filter((g: CanActivate) => isGlobal(g, 'guard')))
  config.useGlobalPipes(...app.getGlobalPipes().filter((p: PipeTransform) => isGlobal(p, 'pipe')))
  config.useGlobalInterceptors(
    ...app.getGlobalInterceptors().filter((i: NestInterceptor) => isGlobal(i, 'interceptor')),
  )
  config.registerPreRequestHook(...app.getGlobalPreRequestHooks())
  return config
}
