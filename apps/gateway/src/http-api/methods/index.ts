/** All methods, by the names under which they are asked. The description of the API, batches and the old form are made of this table. */
import type { Method } from '../method.js'
import { channels, connections, info } from './mesh.js'
import { broadcast, publish } from './publish.js'
import { history, presence, presenceStats } from './read.js'
import { blockUser, invalidateUserTokens, revokeToken, unblockUser } from './revocation.js'
import { rpc } from './rpc.js'
import { disconnect, refresh, subscribe, unsubscribe } from './users.js'

export const methods: Readonly<Record<string, Method>> = Object.freeze({
  publish,
  broadcast,
  subscribe,
  unsubscribe,
  disconnect,
  refresh,
  presence,
  presence_stats: presenceStats,
  history,
  channels,
  info,
  connections,
  rpc,
  block_user: blockUser,
  unblock_user: unblockUser,
  revoke_token: revokeToken,
  invalidate_user_tokens: invalidateUserTokens,
})

export const methodOf = (name: string): Method | undefined =>
  Object.hasOwn(methods, name) ? methods[name] : undefined
