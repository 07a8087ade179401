import type { Features, Namespace } from '@natter/auth'
import type { ClientInfo } from '@natter/protocol'

/**
 * A connection's interest in a channel.
 *
 *     pending ──replied──► replied ──joined──► joined ──broken──► broken
 *        └───────────┴─────────────┴──────────────┴──► ended ◄──────┘
 *
 * S1. It is in the hub in all states but `ended`, so that whoever ends it (the client, a revocation, a broken channel) finds
 *     it while it waits.
 * S2. `replied`: the client believes that it is subscribed, and still gets pages of what it missed.
 * S3. `broken`: it gets nothing any more and has not been told yet.
 */
type State = 'pending' | 'replied' | 'joined' | 'broken' | 'ended'

export class Subscription {
  /** Resolves when it is in, or ended. */
  readonly settled: Promise<void>
  /** An unsubscribe waits for it; a new subscribe waits for that. */
  isLeaving = false
  private current: State = 'pending'
  private settle: () => void = () => {}

  constructor(
    readonly channel: string,
    readonly namespace: Namespace,
    readonly info: ClientInfo,
    readonly features: Features,
  ) {
    this.settled = new Promise((resolve) => (this.settle = resolve))
  }

  get state(): State {
    return this.current
  }

  /** Not ended: what is on its way is still welcome. */
  get isWanted(): boolean {
    return this.current !== 'ended' && this.current !== 'broken'
  }

  /** On its way in: what must not overtake it waits for `settled`. */
  get isJoining(): boolean {
    return this.current === 'pending' || this.current === 'replied'
  }

  /** Others see it in the channel. */
  get isPresent(): boolean {
    return this.current === 'joined' || this.current === 'broken'
  }

  replied(): void {
    if (this.current === 'pending') this.current = 'replied'
  }

  joined(): void {
    if (!this.isJoining) return
    this.current = 'joined'
    this.settle()
  }

  broken(): void {
    if (this.current === 'joined' || this.current === 'replied') this.current = 'broken'
    this.settle()
  }

  end(): void {
    this.current = 'ended'
    this.settle()
  }
}
