import type { Namespace } from '@natter/auth'

/**
 * A channel that is open on this node. `DurableChannel` keeps order and holes in check; `EphemeralChannel` only listens.
 * Both live as long as somebody here subscribes, and a while longer.
 */
export interface OpenChannel {
  readonly isDurable: boolean
  readonly name: string
  readonly namespace: Namespace
  /** Resolves when subscribers may join; rejects with UnavailableError when that takes longer than a command may. */
  whenLive(): Promise<void>
  /** Whether anybody on this node subscribes. */
  want(isWanted: boolean): void
  close(): void
}

/** What a channel needs of the node around it. */
export interface ChannelOwner {
  /** Its subscribers must resume by position; those who only wait stay. */
  broken(channel: string): void
  /** Whether somebody still waits for it or subscribes. */
  isWanted(channel: string): boolean
}

/** What the channels of a node need of it. */
export interface ChannelsOwner extends ChannelOwner {
  /** Of this node. */
  subscriberCount(channel: string): number
}

/** What a channel needs of who keeps it. */
export interface ChannelKeeper extends ChannelOwner {
  /** Nobody wanted it for long enough: it is closed and may be forgotten. */
  closed(channel: string): void
}
