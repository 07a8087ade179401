/**
 * Whether the publications of a namespace are kept: the same for the life of a process.
 *
 * DU1. A channel that is open on this node, its positions and what other gateways hand on of it all stand on one answer. So a namespace that
 *      is read with another one stays as it is in effect, with all its options, until a restart.
 * DU2. That goes for one that was taken away and comes back as well: channels of it may be open still. It stays away.
 */
import type { Namespace } from '@natter/auth'

type Namespaces = ReadonlyMap<string, Namespace>

export class Durability {
  private readonly seen = new Map<string, boolean>()

  constructor(namespaces: Namespaces) {
    this.remember(namespaces)
  }

  /** What of `next` may come into effect after `before`, and which of its namespaces wait. */
  hold(next: Namespaces, before: Namespaces): { namespaces: Namespaces; waiting: string[] } {
    const namespaces = new Map<string, Namespace>()
    const waiting: string[] = []
    for (const [name, namespace] of next) {
      const isOther = (this.seen.get(name) ?? namespace.isDurable) !== namespace.isDurable
      const held = isOther ? before.get(name) : namespace
      if (isOther) waiting.push(name)
      if (held !== undefined) namespaces.set(name, held)
    }
    return { namespaces, waiting }
  }

  /** They are in effect now. */
  remember(namespaces: Namespaces): void {
    for (const [name, { isDurable }] of namespaces) if (!this.seen.has(name)) this.seen.set(name, isDurable)
  }
}
