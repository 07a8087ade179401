/**
 * This node's connections and who of them subscribes to what: the one registry that permissions, presence and
 * the end of a channel or a connection look at. Fan-out doesn't: that is the transport's topics.
 *
 * H1. A subscription is here from the moment it was asked for, before it is live, so that whoever ends it finds it.
 * H2. A removed connection takes all its subscriptions with it.
 * H3. A channel without entries costs nothing: the maps hold no empty sets.
 * H4. A user's connections are found without walking all. The anonymous ('') are not found so: they have nothing in common.
 * H5. Most users have one connection, most connections one channel or a few, and a channel may have one subscriber: the only one
 *     costs no collection.
 */
import { membersOf, minus, plus, sizeOf, type OneOrMany } from './one-or-many.js'

export interface HubConnection {
  readonly id: string
  /** Who it is, the same from `add` to `remove`; '' = anonymous. */
  readonly user: string
}

/** H5 */
class Alone<C, S> {
  constructor(
    readonly connection: C,
    readonly subscription: S,
  ) {}
}

/** `S` is never undefined. */
export class Hub<C extends HubConnection, S> {
  private readonly byId = new Map<string, C>()
  /** H4 */
  private readonly byUser = new Map<string, OneOrMany<C>>()
  private readonly byChannel = new Map<string, Alone<C, S> | Map<C, S>>()
  private readonly joined = new Map<C, OneOrMany<string>>()
  private subscriptions = 0

  get connectionCount(): number {
    return this.byId.size
  }

  get subscriptionCount(): number {
    return this.subscriptions
  }

  /** Without the anonymous one. */
  get userCount(): number {
    return this.byUser.size
  }

  get channelCount(): number {
    return this.byChannel.size
  }

  channels(): IterableIterator<string> {
    return this.byChannel.keys()
  }

  connections(): IterableIterator<C> {
    return this.byId.values()
  }

  connection(id: string): C | undefined {
    return this.byId.get(id)
  }

  /** A copy. Of '' always empty (H4). */
  connectionsOf(user: string): C[] {
    return membersOf(this.byUser.get(user))
  }

  add(connection: C): void {
    if (this.byId.get(connection.id) === connection) return
    this.byId.set(connection.id, connection)
    const { user } = connection
    if (user !== '') this.byUser.set(user, plus(this.byUser.get(user), connection))
  }

  /** Removes it and answers the channels it was in (H2). */
  remove(connection: C): string[] {
    if (!this.byId.delete(connection.id)) return []
    takeOut(this.byUser, connection.user, connection)
    const channels = this.channelsOf(connection)
    for (const channel of channels) this.unsubscribe(connection, channel)
    return channels
  }

  subscribe(connection: C, channel: string, subscription: S): void {
    const found = this.byChannel.get(channel)
    const isNew = this.subscription(connection, channel) === undefined
    if (found instanceof Map) found.set(connection, subscription)
    else if (found === undefined || !isNew) this.byChannel.set(channel, new Alone(connection, subscription))
    else this.byChannel.set(channel, both(found, connection, subscription))
    if (!isNew) return
    this.subscriptions += 1
    this.joined.set(connection, plus(this.joined.get(connection), channel))
  }

  /** False when there was none. */
  unsubscribe(connection: C, channel: string): boolean {
    if (!this.removeFromChannel(connection, channel)) return false
    this.subscriptions -= 1
    takeOut(this.joined, connection, channel)
    return true
  }

  subscription(connection: C, channel: string): S | undefined {
    const found = this.byChannel.get(channel)
    if (found instanceof Map) return found.get(connection)
    return found?.connection === connection ? found.subscription : undefined
  }

  /** A copy: the caller may change what it walks over. */
  channelsOf(connection: C): string[] {
    return membersOf(this.joined.get(connection))
  }

  channelCountOf(connection: C): number {
    return sizeOf(this.joined.get(connection))
  }

  /** For a walk over them; how many there are, `subscriberCount` says for less. */
  subscribers(channel: string): ReadonlyMap<C, S> {
    const found = this.byChannel.get(channel)
    if (found instanceof Map) return found
    return new Map(found === undefined ? [] : [[found.connection, found.subscription]])
  }

  subscriberCount(channel: string): number {
    const found = this.byChannel.get(channel)
    if (found instanceof Map) return found.size
    return found === undefined ? 0 : 1
  }

  /** False when it wasn't there. */
  private removeFromChannel(connection: C, channel: string): boolean {
    const found = this.byChannel.get(channel)
    if (!(found instanceof Map)) return found?.connection === connection && this.byChannel.delete(channel) // H3
    const isGone = found.delete(connection)
    if (found.size > 1) return isGone // before a look at its first: that may lie behind all that are gone
    for (const last of found) this.byChannel.set(channel, new Alone(...last)) // H5
    return isGone
  }
}

const both = <C, S>(one: Alone<C, S>, connection: C, subscription: S): Map<C, S> =>
  new Map([
    [one.connection, one.subscription],
    [connection, subscription],
  ])

/** H3: takes a member out of the set that is there under a key. */
function takeOut<K, V>(sets: Map<K, OneOrMany<V>>, key: K, member: V): void {
  const set = sets.get(key)
  if (set === undefined) return
  const left = minus(set, member)
  if (left === undefined) sets.delete(key)
  else if (left !== set) sets.set(key, left)
}
