/** A client's connection: who it is, and what it is subscribed to. What it may do is in `commands.ts`. */
import {
  Grant,
  type Caller,
  type Capability,
  type CapableVerb,
  type PublishGrant,
  type SubscriptionOptions,
} from '@natter/hooks'
import type { Timer } from '@natter/primitives'
import type { Bytes, ClientInfo, Publication } from '@natter/protocol'
import type { Member } from './channels.js'

/** What the client is told. */
export interface ClientEnd {
  publication(channel: string, publication: Publication): void
  /** The server has subscribed it. */
  subscribed(channel: string, data: Bytes | undefined): void
  unsubscribed(channel: string, code: number, reason: string): void
  closed(code: number, reason: string): void
}

export interface Identity {
  readonly user: string
  readonly infoJson?: string
  readonly metaJson?: string
  readonly capabilities?: readonly Capability[]
  readonly expiresAtMs?: number
}

export class Subscription implements Member {
  /** The app, or the way in, is still at work on it; then it is in; then it isn't any more. */
  state: 'pending' | 'joined' | 'ended' = 'pending'
  expiry: Timer | undefined
  /** Its namespace, or a capability, let it in, and no app. */
  isByRule = false
  /** Resolves when it is in, or has ended. */
  readonly settled: Promise<void>
  settle: () => void = () => undefined
  private grant: Grant | undefined
  private chanInfo: Bytes | undefined
  private given: readonly CapableVerb[] | undefined

  constructor(
    readonly connection: Connection,
    readonly channel: string,
    /** It ends with its connection, and its expiry ends that. */
    readonly isServerSide: boolean,
  ) {
    this.settled = new Promise((resolve) => (this.settle = resolve))
  }

  admit({ infoJson, grant, allow }: SubscriptionOptions, nowMs: number): void {
    this.given = allow
    this.chanInfo = bytesOf(infoJson)
    this.grant = grant === undefined ? undefined : new Grant(grant, nowMs)
  }

  /** What it may do while it is in. */
  get allowed(): readonly CapableVerb[] | undefined {
    return this.state === 'joined' ? this.given : undefined
  }

  get info(): ClientInfo {
    const { info } = this.connection
    return this.chanInfo === undefined ? info : { ...info, chanInfo: this.chanInfo }
  }

  /** What was said of its publications, one of which counts now; undefined = nothing. */
  takeGrant(nowMs: number): PublishGrant['publish'] | undefined {
    return this.grant?.take(nowMs)
  }

  publication(publication: Publication): void {
    this.connection.end.publication(this.channel, publication)
  }
}

export class Connection {
  /** By channel; those that have ended aren't here. */
  readonly subscriptions = new Map<string, Subscription>()
  /** By channel: the publication before, while the app thinks about it. */
  readonly publishing = new Map<string, Promise<unknown>>()
  expiry: Timer | undefined
  isOpen = true
  identity: Identity = { user: '' }

  constructor(
    readonly id: string,
    readonly headers: Readonly<Record<string, string>>,
    readonly end: ClientEnd,
  ) {}

  get caller(): Caller {
    const { user, infoJson, metaJson } = this.identity
    return {
      client: this.id,
      user,
      node: 'memory',
      headers: this.headers,
      ip: '127.0.0.1',
      ...(infoJson === undefined ? {} : { infoJson }),
      ...(metaJson === undefined ? {} : { metaJson }),
    }
  }

  get info(): ClientInfo {
    const { user, infoJson } = this.identity
    const connInfo = bytesOf(infoJson)
    return { user, client: this.id, ...(connInfo === undefined ? {} : { connInfo }) }
  }
}

export const bytesOf = (text: string | undefined): Bytes | undefined =>
  text === undefined ? undefined : Buffer.from(text, 'utf8')
