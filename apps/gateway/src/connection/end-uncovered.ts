/** Subscriptions that a capability let in, once the connection has others: what only the old ones allowed ends. [13.6] */
import { maySubscribe } from '@natter/auth'
import { isCapable, Unsubscribes, type Capability } from '@natter/protocol'
import { questionOf } from './commands/question.js'
import type { Connection } from './connection.js'
import { serverUnsubscribe } from './server-subscribe.js'
import type { Services } from './services.js'

/** @param before What it had; what it has now is its identity's. */
export function endUncovered(
  services: Services,
  connection: Connection,
  before: readonly Capability[] | undefined,
): void {
  const { identity } = connection
  if (identity === undefined || before === undefined || before === identity.capabilities) return
  for (const channel of services.hub.channelsOf(connection)) {
    const terms = services.hub.subscription(connection, channel)?.terms
    if (terms !== undefined && terms.isByRule !== true) continue // a token, an app or the server said yes
    const wasCovered = isCapable(before, 'subscribe', services.grammar.parse(channel))
    if (!wasCovered || maySubscribe(questionOf(services, connection, channel)) === 'ok') continue
    serverUnsubscribe(services, connection, channel, Unsubscribes.server)
  }
}
