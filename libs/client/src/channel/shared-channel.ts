/**
 * A channel for all in this client who want it: one subscription at the server, however many hold it.
 *
 * S1. The first holder subscribes, the last one that leaves unsubscribes; in between nobody asks the server twice. Who leaves and comes
 *     back within one turn (React does) finds the subscription as it was.
 * S2. A holder that has left is told nothing more.
 * S3. Whoever comes back and is not proved to have missed nothing tells a gap to all holders, before the next publication.
 * S4. Who leaves a subscription that the server ended, and comes again, asks again.
 */
import type {
  Centrifuge,
  PublicationContext,
  SubscribedContext,
  Subscription,
  SubscriptionOptions,
} from 'centrifuge'
import { clientClosed, RefusedError } from '../errors/client-errors.js'
import { reportError, Store, type Readable } from '../store.js'
import { memberOf, publicationOf, type Gap, type Member, type Publication } from './publication.js'

export type ChannelState<Welcome = unknown> =
  /** Nobody holds it. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'subscribing' }
  | {
      readonly kind: 'subscribed'
      /** What an app answered to the subscriber. */
      readonly welcome?: Welcome
      /** Publications are kept, and what is missed is recovered. */
      readonly isRecoverable: boolean
    }
  /** The server ended or refused it; the SDK doesn't try again. */
  | { readonly kind: 'ended'; readonly error: RefusedError }

/** Who wants to know what happens in a channel. */
export interface Holder {
  onPublication?(publication: Publication): void
  onGap?(gap: Gap): void
  onJoin?(member: Member): void
  onLeave?(member: Member): void
  onEnd?(error: RefusedError): void
}

export class SharedChannel {
  private readonly store = new Store<ChannelState>({ kind: 'idle' })
  private readonly holders = new Set<Holder>()
  private subscription: Subscription | undefined
  private wasSubscribed = false
  private isClosed = false

  constructor(
    private readonly sdk: Pick<Centrifuge, 'newSubscription' | 'removeSubscription'>,
    readonly name: string,
    /** For the next subscription. */
    public options: Partial<SubscriptionOptions>,
  ) {}

  get state(): Readable<ChannelState> {
    return this.store
  }

  get holderCount(): number {
    return this.holders.size
  }

  /** The result lets go; twice is once. S1. @throws UnavailableError `client-closed` */
  hold(holder: Holder): () => void {
    if (this.isClosed) throw clientClosed()
    this.holders.add(holder)
    if (this.subscription === undefined) this.begin()
    else if (this.store.get().kind === 'ended') this.again() // S4
    return () => {
      if (!this.holders.delete(holder) || this.holders.size > 0) return
      queueMicrotask(() => {
        if (this.holders.size === 0) this.end()
      })
    }
  }

  /** For good; nobody is told. */
  close(): void {
    this.isClosed = true
    this.holders.clear()
    this.end()
  }

  private end(): void {
    const { subscription } = this
    if (subscription === undefined) return
    this.subscription = undefined
    subscription.removeAllListeners()
    subscription.unsubscribe()
    this.sdk.removeSubscription(subscription)
    this.store.set({ kind: 'idle' })
  }

  private begin(): void {
    const subscription = this.sdk.newSubscription(this.name, this.options)
    this.subscription = subscription
    this.wasSubscribed = false
    subscription.on('subscribing', () => this.store.set({ kind: 'subscribing' }))
    subscription.on('subscribed', (context) => this.subscribed(context))
    subscription.on('unsubscribed', ({ code, reason }) => this.ended(code, reason))
    subscription.on('publication', (context: PublicationContext) => {
      this.tell('onPublication', publicationOf(context, this.name))
    })
    subscription.on('join', ({ info }) => this.tell('onJoin', memberOf(info)))
    subscription.on('leave', ({ info }) => this.tell('onLeave', memberOf(info)))
    subscription.on('error', () => {}) // it tries again, and says so by its state
    this.store.set({ kind: 'subscribing' })
    subscription.subscribe()
  }

  private again(): void {
    this.store.set({ kind: 'subscribing' })
    this.subscription?.subscribe()
  }

  private subscribed({ data, recoverable, wasRecovering, recovered }: SubscribedContext): void {
    const isProved = wasRecovering && recovered
    if (this.wasSubscribed && !isProved) this.tell('onGap', { reason: 'not-recovered' }) // S3
    this.wasSubscribed = true
    const welcome = data === undefined ? {} : { welcome: data as unknown }
    this.store.set({ kind: 'subscribed', isRecoverable: recoverable, ...welcome })
  }

  private ended(code: number, reason: string): void {
    const error = new RefusedError(code, reason, false)
    this.store.set({ kind: 'ended', error })
    this.tell('onEnd', error)
  }

  private tell<K extends keyof Holder>(what: K, about: Parameters<NonNullable<Holder[K]>>[0]): void {
    const present = [...this.holders]
    for (const holder of present) {
      if (!this.holders.has(holder)) continue // S2: another one made it leave
      try {
        ;(holder[what] as ((about: unknown) => void) | undefined)?.call(holder, about)
      } catch (error) {
        reportError(error)
      }
    }
  }
}
