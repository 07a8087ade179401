import { callApi } from '../api-client/api-client.js'
import { methods } from '../api-client/methods.js'
import { columns } from '../cli/terminal.js'
import { apiAccess } from './api-access.js'
import type { Action } from './action.js'

export const info: Action = async (given, terminal) => {
  const access = await apiAccess(given, terminal)
  const result = await callApi(access, methods.info, '{}')
  const rows = result.nodes.map((node) => [
    node.name || node.uid,
    node.version,
    String(node.num_clients),
    String(node.num_users),
    String(node.num_subs),
    String(node.num_channels),
    uptime(node.uptime),
  ])
  const heads = ['NODE', 'VERSION', 'CLIENTS', 'USERS', 'SUBS', 'CHANNELS', 'UP']
  terminal.show(result, columns(heads, rows))
  return undefined
}

function uptime(seconds: number): string {
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`
}
