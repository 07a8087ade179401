/**
 * This node's connections and who of them subscribes to what: the one registry that permissions, presence and
 * the end of a channel or a connection look at. Fan-out doesn't: that is the transport's topics.
 *
 * H1. A subscription is here from the moment it was asked for, before it is live, so that whoever ends it finds it.
 * H2. A removed connection takes all its subscriptions with it.
 * H3. A channel without entries costs nothing: the maps hold no empty sets.
 * H4. A user's connections are found without walking all; the one of a user who has one costs no set. The anonymous ('') are not
 *     found so: they have nothing in common.
 */
export interface HubConnection {
  readonly id: string
  /** Who it is, the same from `add` to `remove`; '' = anonymous. */
  readonly user: string
}

export class Hub<C extends HubConnection, S> {
  private readonly byId = new Map<string, C>()
  /** H4 */
  private readonly byUser = new Map<string, C | Set<C>>()
  private readonly byChannel = new Map<string, Map<C, S>>()
  private readonly joined = new Map<C, Set<string>>()
  private subscriptions = 0

  get connectionCount(): number {
    return this.byId.size
  }

  get subscriptionCount(): number {
    return this.subscriptions
  }

  get channelCount(): number {
    return this.byChannel.size
  }

  connections(): IterableIterator<C> {
    return this.byId.values()
  }

  connection(id: string): C | undefined {
    return this.byId.get(id)
  }

  /** A copy. Of '' always empty (H4). */
  connectionsOf(user: string): C[] {
    const found = this.byUser.get(user)
    if (found === undefined) return []
    return found instanceof Set ? [...found] : [found]
  }

  add(connection: C): void {
    if (this.byId.get(connection.id) === connection) return
    this.byId.set(connection.id, connection)
    const { user } = connection
    if (user === '') return
    const others = this.byUser.get(user)
    if (others === undefined) this.byUser.set(user, connection)
    else if (others instanceof Set) others.add(connection)
    else this.byUser.set(user, new Set([others, connection]))
  }

  /** Removes it and answers the channels it was in (H2). */
  remove(connection: C): string[] {
    if (!this.byId.delete(connection.id)) return []
    this.removeFromUser(connection)
    const channels = this.channelsOf(connection)
    for (const channel of channels) this.unsubscribe(connection, channel)
    return channels
  }

  subscribe(connection: C, channel: string, subscription: S): void {
    const subscribers = entry(this.byChannel, channel, () => new Map<C, S>())
    if (!subscribers.has(connection)) this.subscriptions += 1
    subscribers.set(connection, subscription)
    entry(this.joined, connection, () => new Set<string>()).add(channel)
  }

  /** False when there was none. */
  unsubscribe(connection: C, channel: string): boolean {
    const subscribers = this.byChannel.get(channel)
    if (subscribers === undefined || !subscribers.delete(connection)) return false
    this.subscriptions -= 1
    if (subscribers.size === 0) this.byChannel.delete(channel)
    const channels = this.joined.get(connection)
    channels?.delete(channel)
    if (channels?.size === 0) this.joined.delete(connection)
    return true
  }

  subscription(connection: C, channel: string): S | undefined {
    return this.byChannel.get(channel)?.get(connection)
  }

  /** A copy: the caller may change what it walks over. */
  channelsOf(connection: C): string[] {
    return [...(this.joined.get(connection) ?? [])]
  }

  channelCountOf(connection: C): number {
    return this.joined.get(connection)?.size ?? 0
  }

  subscribers(channel: string): ReadonlyMap<C, S> {
    return this.byChannel.get(channel) ?? new Map()
  }

  /** H4 */
  private removeFromUser(connection: C): void {
    const { user } = connection
    const found = this.byUser.get(user)
    if (found === connection) this.byUser.delete(user)
    if (!(found instanceof Set)) return
    found.delete(connection)
    const [last] = found
    if (found.size === 1 && last !== undefined) this.byUser.set(user, last)
  }
}

function entry<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const present = map.get(key)
  if (present !== undefined) return present
  const created = create()
  map.set(key, created)
  return created
}
