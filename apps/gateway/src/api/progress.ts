import type { ApiRequest } from '@natter/hooks'
import { isJson } from '@natter/protocol'
import { personalChannelOf } from '../connection/personal-channel.js'
import type { Services } from '../connection/services.js'
import { demand, isText } from './checks.js'

/**
 * Shows how far an rpc is: to the connections of the caller that are here, in their personal channel, where they have one. Not by way of
 * the mesh: the app asked the node that holds the caller, and its reply comes the same way, so progress is written before it.
 */
export function showProgress(
  { hub, options, grammar }: Pick<Services, 'hub' | 'options' | 'grammar'>,
  { user, call, data }: Extract<ApiRequest, { kind: 'progress' }>,
): void {
  demand(isText(user) && isText(call), 'Progress needs the user and the call')
  demand(data instanceof Uint8Array && isJson(data), 'Progress is JSON')
  const { personalChannel } = options.client
  const channel = personalChannel && personalChannelOf(grammar, user, personalChannel.namespace)
  if (channel === undefined) return
  const push = { channel, pub: { data, tags: { call } } }
  for (const connection of hub.connectionsOf(user))
    if (hub.subscription(connection, channel)?.state === 'joined') connection.push(push)
}
