import { callApi } from '../api-client/api-client.js'
import { methods } from '../api-client/methods.js'
import { UsageError } from '../cli/command.js'
import { apiAccess } from './api-access.js'
import * as flags from './api-table.js'
import type { Action } from './action.js'

export const disconnect: Action = async (given, terminal) => {
  const user = given.of(flags.user)
  const code = given.of(flags.code)
  const reason = given.of(flags.reason)
  if (user === undefined) throw new UsageError(['natter disconnect needs --user <id>.'], given.name)
  if (reason !== undefined && code === undefined)
    throw new UsageError(['--reason goes with --code: which code is it the reason of?'], given.name)
  const request = {
    user,
    ...(given.has(flags.client) ? { client: given.of(flags.client) } : {}),
    ...(given.has(flags.except) ? { whitelist: given.of(flags.except) } : {}),
    ...(code === undefined ? {} : { disconnect: { code, reason: reason ?? '' } }),
  }
  const access = await apiAccess(given, terminal)
  const result = await callApi(access, methods.disconnect, JSON.stringify(request))
  terminal.show(result, 'All gateways are told to close them.')
  return undefined
}
