import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import { natterContext } from '../pipeline/context.js'

/** @CurrentUser() — the {@link AppUser}; `@CurrentUser('id')` a field of it. */
export const CurrentUser = createParamDecorator((property: string | undefined, host: ExecutionContext) => {
  const context = natterContext(host)
  const user = 'user' in context ? context.user : undefined
  return property === undefined ? user : user?.[property]
})

/** The whole name of the channel; undefined where none is concerned. */
export const Channel = createParamDecorator((_: undefined, host: ExecutionContext) => {
  const context = natterContext(host)
  return 'channel' in context ? context.channel : undefined
})

/** The connection's id; undefined where none is concerned. */
export const Client = createParamDecorator((_: undefined, host: ExecutionContext) => {
  const context = natterContext(host)
  return 'client' in context ? context.client : undefined
})

/** An `AbortSignal`: aborted when nobody waits for the answer any more. */
export const Signal = createParamDecorator(
  (_: undefined, host: ExecutionContext) => natterContext(host).signal,
)
