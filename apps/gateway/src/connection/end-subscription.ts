import { joinLeaveTopic, publicationTopic } from '../channels/topics.js'
import type { Connection } from './connection.js'
import type { Services } from './services.js'
import type { Subscription } from './subscription.js'

/** Takes a subscription off the node: topics, hub, presence, the channel's reason to stay open. Tells the client nothing. */
export function endSubscription(
  services: Pick<Services, 'hub' | 'presence' | 'channels'>,
  connection: Connection,
  subscription: Subscription,
): void {
  const { channel } = subscription
  const wasJoined = subscription.state === 'joined'
  subscription.end()
  connection.socket.leave(publicationTopic(channel))
  connection.socket.leave(joinLeaveTopic(channel))
  services.hub.unsubscribe(connection, channel)
  if (wasJoined) services.presence.left(subscription)
  services.channels.release(channel)
}
