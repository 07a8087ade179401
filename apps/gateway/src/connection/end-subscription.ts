import type { Connection } from './connection.js'
import type { Leaving } from './facts.js'
import type { Services } from './services.js'
import type { Subscription } from './subscription.js'

/**
 * Takes a subscription off the node: topics, hub, presence, the channel's reason to stay open; and tells apps, if it was in. Tells
 * the client nothing.
 */
export function endSubscription(
  services: Pick<Services, 'audience' | 'hub' | 'presence' | 'channels' | 'facts'>,
  connection: Connection,
  subscription: Subscription,
  why: Leaving,
): void {
  if (subscription.state === 'ended') return
  const { channel, isPresent } = subscription
  subscription.end()
  services.audience.leave(connection, subscription)
  services.hub.unsubscribe(connection, channel)
  if (isPresent) {
    services.presence.left(subscription)
    services.facts.unsubscribed(connection, subscription, why)
  } else services.facts.abandoned(subscription)
  services.channels.release(channel)
}
