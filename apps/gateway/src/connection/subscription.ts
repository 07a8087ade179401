import type { Namespace } from '@natter/auth'
import type { ClientInfo } from '@natter/protocol'

/**
 * A connection's interest in a channel.
 *
 * pending → joined → ended, or pending → ended. It is in the hub in all but the last state, so that whoever ends it
 * (the client, a revocation, a broken channel) finds it while it waits.
 */
export class Subscription {
  state: 'pending' | 'replied' | 'joined' | 'ended' = 'pending'
  /** Resolves when it is joined or ended. */
  readonly settled: Promise<void>
  private settle: () => void = () => {}

  constructor(
    readonly channel: string,
    readonly namespace: Namespace,
    readonly info: ClientInfo,
    /** Whether it is told who joins and leaves. */
    readonly wantsJoinLeave: boolean,
  ) {
    this.settled = new Promise((resolve) => (this.settle = resolve))
  }

  get isWanted(): boolean {
    return this.state !== 'ended'
  }

  /** On its way in: what must not overtake it waits for `settled`. */
  get isJoining(): boolean {
    return this.state === 'pending' || this.state === 'replied'
  }

  joined(): void {
    this.state = 'joined'
    this.settle()
  }

  end(): void {
    this.state = 'ended'
    this.settle()
  }
}
