/** One subscription's own answer to what its namespace says: given by a token or an app. */
import { granting, type Namespace } from './namespace.js'
import type { SubscriptionOverride } from './tokens/token-verifier.js'

/** Made once for each combination: subscriptions are many. A namespace that is read anew is another object, and begins anew. */
const made = new WeakMap<Namespace, Map<string, Namespace>>()

/** The namespace as this subscription sees it. What is not kept is neither recovered nor positioned, whatever is said. */
export function overrideNamespace(
  namespace: Namespace,
  override: SubscriptionOverride | undefined,
): Namespace {
  if (override === undefined) return namespace
  const known = made.get(namespace) ?? new Map<string, Namespace>()
  made.set(namespace, known)
  const key = JSON.stringify(override)
  const present = known.get(key) ?? create(namespace, override)
  known.set(key, present)
  return present
}

function create(namespace: Namespace, override: SubscriptionOverride): Namespace {
  const { presence, joinLeave, forcePushJoinLeave, forceRecovery, forcePositioning } = override
  const { isDurable, allowsRecovery, allowsPositioning } = namespace
  const force = (isForced: boolean | undefined, isAllowed: boolean, before: Namespace['recovery']) =>
    isForced === undefined ? before : granting(isDurable && isForced, isAllowed)
  return Object.freeze({
    ...namespace,
    hasPresence: presence ?? namespace.hasPresence,
    emitsJoinLeave: joinLeave ?? namespace.emitsJoinLeave,
    forcePushJoinLeave: forcePushJoinLeave ?? namespace.forcePushJoinLeave,
    recovery: force(forceRecovery, allowsRecovery, namespace.recovery),
    positioning: force(forcePositioning, allowsPositioning, namespace.positioning),
  })
}
