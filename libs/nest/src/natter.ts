import type { ClientInfo, HistoryResult, Publication, StreamPosition } from '@natter/protocol'
import { Inject, Injectable } from '@nestjs/common'
import type { MeshDriver, Published, PublishOptions } from './driver/mesh-driver.js'
import { MESH_DRIVER } from './natter.options.js'
import { msOfMoment, subscriptionOptions, type Moment, type SubscribeDecision } from './pipeline/decisions.js'
import { decodeValue, encodeValue, type Encoding } from './pipeline/json.js'

export interface PublishSettings extends PublishOptions {
  /** `json` (default): any value with JSON. `bytes`: a Uint8Array, untouched. */
  encoding?: Encoding
}

/** One who is in a channel. */
export interface Member {
  /** '' = anonymous. */
  user: string
  /** The connection's id. */
  client: string
  /** Of the connection; undefined = none. */
  info?: unknown
  /** Of the subscription; undefined = none. */
  channelInfo?: unknown
}

/** A publication, read back. `T` is what you know of its data. */
export interface StoredPublication<T = unknown> {
  data: T
  /** Its publisher, when a client published. */
  info?: Member
  offset?: number
  tags?: Readonly<Record<string, string>>
  /** When it was stored, milliseconds since 1970. */
  time?: number
}

export interface HistoryQuery {
  /** How many publications at most; default 0 = the position alone. */
  limit?: number
  /** Those after it, or before it where `isReverse`. */
  since?: StreamPosition
  /** Newest first. Default false. */
  isReverse?: boolean
  /** Of the data; default `json`. */
  encoding?: Encoding
}

export interface ConnectionChoice {
  /** One connection of the user; absent = all. */
  client?: string
}

/** What a client is told at the end of a subscription or a connection. */
export interface Ending extends ConnectionChoice {
  code?: number
  reason?: string
}

/** How long something holds that was taken back. */
export interface RevocationEnd {
  /** Absent = for good. The end of the last token that it concerns is enough, and keeps the mesh's list of them short. */
  expiresAt?: Moment
}

export interface InvalidTokens extends RevocationEnd {
  /** Those issued before it (`iat`), and those that don't say when; absent = now. Tokens of this very moment stay good. */
  issuedBefore?: Moment
}

const serverUnsubscribe = { code: 2000, reason: 'server unsubscribe' }
const forceDisconnect = { code: 3503, reason: 'force disconnect' }

/**
 * The mesh, for the rest of your application. All methods reject with a `NatterError`, whose class says what to do: `InvalidError`
 * mend it, `UnavailableError` (not done) repeat it, `UnknownOutcomeError` (perhaps done) repeat it only if that is harmless. Nothing
 * goes before the application has started: hooks of Nest that run before the last `onApplicationBootstrap` are too early.
 */
@Injectable()
export class Natter {
  constructor(@Inject(MESH_DRIVER) private readonly driver: MeshDriver) {}

  /**
   * Publishes into a channel, past its publish hook. Resolves when it is stored; in channels that aren't kept, when it is on its way.
   *
   * @throws InvalidError `not-json`, `not-bytes`.
   */
  async publish(channel: string, value: unknown, settings: PublishSettings = {}): Promise<Published> {
    const { encoding = 'json', ...options } = settings
    return this.driver.publish(channel, encodeValue(value, encoding), options)
  }

  /** The same into many channels. One outcome for each, in their order: where one fails, the others are still published. */
  async broadcast(channels: readonly string[], value: unknown, settings: PublishSettings = {}) {
    const { encoding = 'json', ...options } = settings
    return this.driver.broadcast(channels, encodeValue(value, encoding), options)
  }

  /** Who is in the channel now, connection by connection. */
  async presence(channel: string): Promise<Member[]> {
    const members = await this.driver.presence(channel)
    return [...members.values()].map(memberOf)
  }

  /** What was published, and where the channel stands. */
  async history<T = unknown>(
    channel: string,
    { limit = 0, since, isReverse = false, encoding = 'json' }: HistoryQuery = {},
  ): Promise<{ publications: StoredPublication<T>[]; position: StreamPosition }> {
    const query = { limit, isReverse, ...(since === undefined ? {} : { since }) }
    const { publications, offset, epoch }: HistoryResult = await this.driver.history(channel, query)
    const position = { offset, epoch }
    return { publications: publications.map((one) => publicationOf<T>(one, encoding)), position }
  }

  /** Subscribes a user's connections. Resolves when all gateways have done it. */
  async subscribe(
    user: string,
    channel: string,
    options: SubscribeDecision & ConnectionChoice = {},
  ): Promise<void> {
    const { client, ...decision } = options
    const wire = subscriptionOptions(`Natter.subscribe("${channel}")`, decision)
    return this.driver.subscribe(user, channel, { ...wire, ...choice(client) })
  }

  /** Ends a user's subscriptions to a channel. Default: 2000, "server unsubscribe"; from 2500 on the SDK subscribes again. */
  async unsubscribe(user: string, channel: string, ending: Ending = {}): Promise<void> {
    const { client, code, reason } = { ...serverUnsubscribe, ...ending }
    return this.driver.unsubscribe(user, channel, { code, reason, ...choice(client) })
  }

  /** Closes a user's connections. Default: 3503, "force disconnect", and they stay away; 4000–4499 lets them come back. */
  async disconnect(user: string, ending: Ending = {}): Promise<void> {
    const { client, code, reason } = { ...forceDisconnect, ...ending }
    return this.driver.disconnect(user, { code, reason, ...choice(client) })
  }

  /**
   * Closes a user's connections with 3507, and lets in none, whoever would, until it ends or is taken back. As the next three it resolves when
   * that is written down: it binds each gateway, also one that is cut off or starts later.
   *
   * @throws InvalidError `bad-request` an end that has passed, or nobody.
   */
  async blockUser(user: string, { expiresAt }: RevocationEnd = {}): Promise<void> {
    return this.driver.blockUser(user, moment('expiresAtMs', expiresAt))
  }

  /** Also one who isn't blocked. */
  async unblockUser(user: string): Promise<void> {
    return this.driver.unblockUser(user)
  }

  /** By its id (`jti`): what it let in ends, and its client fetches another. */
  async revokeToken(tokenId: string, { expiresAt }: RevocationEnd = {}): Promise<void> {
    return this.driver.revokeToken(tokenId, moment('expiresAtMs', expiresAt))
  }

  /** All of a user's tokens up to a moment, as one: after a change of the password, say. Whom apps let in is not concerned. */
  async invalidateUserTokens(user: string, { issuedBefore, expiresAt }: InvalidTokens = {}): Promise<void> {
    return this.driver.invalidateUserTokens(user, {
      ...moment('issuedBeforeMs', issuedBefore),
      ...moment('expiresAtMs', expiresAt),
    })
  }
}

function moment<K extends string>(name: K, at: Moment | undefined): { [name in K]?: number } {
  return (at === undefined ? {} : { [name]: msOfMoment(at) }) as { [name in K]?: number }
}

const choice = (client: string | undefined) => (client === undefined ? {} : { client })

export function memberOf({ user, client, connInfo, chanInfo }: ClientInfo): Member {
  return {
    user,
    client,
    ...(connInfo === undefined ? {} : { info: decodeValue(connInfo, 'json') }),
    ...(chanInfo === undefined ? {} : { channelInfo: decodeValue(chanInfo, 'json') }),
  }
}

export function publicationOf<T>(
  { data, info, ...rest }: Publication,
  encoding: Encoding,
): StoredPublication<T> {
  return {
    ...rest,
    data: decodeValue(data, encoding) as T,
    ...(info === undefined ? {} : { info: memberOf(info) }),
  }
}
