import { callApi } from '../api-client/api-client.js'
import { methods } from '../api-client/methods.js'
import { columns } from '../cli/terminal.js'
import { apiAccess } from './api-access.js'
import { channel as channelArgument } from './api-table.js'
import type { Action } from './action.js'

export const presence: Action = async (given, terminal) => {
  const channel = given.arg(channelArgument)
  const access = await apiAccess(given, terminal)
  const result = await callApi(access, methods.presence, JSON.stringify({ channel }))
  const members = Object.entries(result.presence)
  const rows = members.map(([id, { user, conn_info: conn, chan_info: chan }]) => [
    user,
    id,
    textOf(conn),
    textOf(chan),
  ])
  const sorted = rows.toSorted((a, b) => (a.join('\0') < b.join('\0') ? -1 : 1))
  const heads = ['USER', 'CLIENT', 'CONN INFO', 'CHAN INFO']
  terminal.show(result, members.length === 0 ? 'Nobody is there.' : columns(heads, sorted))
  return undefined
}

const textOf = (value: unknown): string => (value === undefined ? '' : JSON.stringify(value))
