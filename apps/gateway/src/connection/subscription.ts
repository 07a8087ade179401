import type { Features, Namespace } from '@natter/auth'
import type { Timer } from '@natter/primitives'
import type { Bytes, CapableVerb, ClientInfo } from '@natter/protocol'
import type { Grant } from '@natter/hooks'
import type { Choice } from '../channels/choice.js'

/**
 * A connection's interest in a channel.
 *
 *     pending ──replied──► replied ──joined──► joined ──broken──► broken
 *        │                    │──broken──► stranded│                │
 *        └────────────────────┴────────────┴───────┴──► ended ◄─────┘
 *
 * S1. It is in the hub in all states but `ended`, so that whoever ends it (the client, a revocation, a broken channel) finds
 *     it while it waits.
 * S2. `replied`: the client believes that it is subscribed, and still gets pages of what it missed.
 *     An app that decides about it is asked while it is `pending`.
 * S3. `broken`: it gets nothing any more and has not been told yet. `stranded`: the same, before others saw it: they are told nothing.
 */

/** What was said of a subscription beside what its namespace says; most have none. */
export interface Terms {
  /** A token let its client in, who refreshes it with another; else whoever let it in keeps it. */
  readonly isByToken?: true
  /** The name of that token, by which it may be revoked. This and the next are only there where a subscription token said them. */
  readonly tokenId?: string
  /** When that was issued, milliseconds since 1970. */
  readonly issuedAtMs?: number
  /** The server made it: its client can't leave it without the server knowing, and comes back with the connection alone. */
  readonly isServerSide: boolean
  /** Told to its client with the subscription. */
  readonly data?: Bytes
  readonly grant?: Grant
  /** What its subscriber may do beside what the namespace allows: shared with others who are told the same. */
  readonly allow?: readonly CapableVerb[]
  /** Its client asked for it with its connect, and its namespace or a capability let it in. */
  readonly isByRule?: true
  /** Milliseconds since 1970; absent = it ends with the connection. */
  readonly expiresAtMs?: number
}

type State = 'pending' | 'replied' | 'joined' | 'broken' | 'stranded' | 'ended'

export class Subscription {
  /** An unsubscribe waits for it; a new subscribe waits for that. */
  isLeaving = false
  /** The command that waits for it: whoever ends it before the reply answers that. 0 = none. */
  commandId = 0
  /** Runs while it is in and its terms say that it expires. */
  expiry: Timer | undefined
  terms: Terms | undefined
  /** Publications reach it: the audience's to say. */
  isListening = false
  private current: State = 'pending'
  /** Who waits for it, only while somebody does: connections are many, and few are asked about while they join. */
  private waiting: { settled: Promise<void>; settle: () => void } | undefined

  constructor(
    readonly channel: string,
    public namespace: Namespace,
    public info: ClientInfo,
    public features: Features,
    terms?: Terms,
    public choice?: Choice | undefined,
  ) {
    this.terms = terms
  }

  /** Resolves when its client was answered and it is in, or ended; or still gets what it missed, which may take long. */
  get settled(): Promise<void> {
    if (!this.isJoining) return Promise.resolve()
    this.waiting ??= createWaiting()
    if (this.current === 'replied') this.settleSoon()
    return this.waiting.settled
  }

  get state(): State {
    return this.current
  }

  /** Not ended: what is on its way is still welcome. */
  get isWanted(): boolean {
    return this.current !== 'ended' && !this.isBroken
  }

  /** On its way in: what must not overtake it waits for `settled`. */
  get isJoining(): boolean {
    return this.current === 'pending' || this.current === 'replied'
  }

  /** S3. */
  get isBroken(): boolean {
    return this.current === 'broken' || this.current === 'stranded'
  }

  /** Its client was told that it is subscribed, and has the rights of subscribers. */
  get isGranted(): boolean {
    return this.current === 'replied' || this.current === 'joined'
  }

  /** Others see it in the channel. */
  get isPresent(): boolean {
    return this.current === 'joined' || this.current === 'broken'
  }

  get isServerSide(): boolean {
    return this.terms?.isServerSide === true
  }

  /** An app or a token said yes, and how. */
  admit(terms: Terms, chanInfo: Bytes | undefined): void {
    this.terms = terms
    if (chanInfo !== undefined) this.info = { ...this.info, chanInfo }
  }

  /** While it is pending: its own view of its namespace, and what follows from that. */
  override(namespace: Namespace, features: Features, choice: Choice | undefined): void {
    this.namespace = namespace
    this.features = features
    this.choice = choice
  }

  replied(): void {
    if (this.current !== 'pending') return
    this.current = 'replied'
    this.commandId = 0
    if (this.waiting !== undefined) this.settleSoon()
  }

  joined(): void {
    if (!this.isJoining) return
    this.current = 'joined'
    this.settle()
  }

  broken(): void {
    if (this.current === 'joined') this.current = 'broken'
    else if (this.current === 'replied') this.current = 'stranded'
    this.settle()
  }

  end(): void {
    this.current = 'ended'
    this.expiry?.cancel()
    this.settle()
  }

  /** Where little was missed it is in by then, and whoever waited sees it in the channel. */
  private settleSoon(): void {
    setImmediate(() => this.settle())
  }

  private settle(): void {
    this.waiting?.settle()
    this.waiting = undefined
  }
}

function createWaiting(): { settled: Promise<void>; settle: () => void } {
  let settle = (): void => {}
  const settled = new Promise<void>((resolve) => (settle = resolve))
  return { settled, settle }
}
