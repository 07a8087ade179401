import { isJson, isJsonObject, type Bytes } from '@natter/protocol'
import { channelPattern, type ChannelPattern } from './channel-pattern.js'
import { decideKeep, type NamespaceOptions } from './namespace.options.js'

/** Who may do something, beside the anonymous rule: `client` = any connection, `subscriber` = one subscribed to the channel. */
export interface Allowance {
  readonly client: boolean
  readonly subscriber: boolean
  /** The two above hold for users without an id as well. */
  readonly anonymous: boolean
}

/** A namespace with everything decided: nobody behind it looks at an option again. */
export interface Namespace {
  /** '' = the options of channels without namespace. */
  readonly name: string
  readonly keep: 'none' | 'stream' | 'archive'
  /** How long the archive keeps publications; absent = for good. Only with `keep: archive`. */
  readonly archiveForMs?: number
  /** The archive keeps a queryable form beside the bytes. */
  readonly archivesJson: boolean
  /** Publications are stored before they are acknowledged, and carry positions. */
  readonly isDurable: boolean
  /** What clients may read back; absent = no bound of this kind. */
  readonly historySize?: number
  readonly historyTtlMs?: number
  /** Either bound is set: a recovery is one page, or not recovered. */
  readonly isHistoryCapped: boolean
  /** The pointer's unescaped steps; absent = publications of clients have no id. */
  readonly messageIdPath?: readonly string[]
  readonly hasPresence: boolean
  readonly emitsJoinLeave: boolean
  readonly forcePushJoinLeave: boolean
  readonly positioning: 'off' | 'allowed' | 'forced'
  /** Clients may ask for it, also where it is forced. */
  readonly allowsPositioning: boolean
  readonly recovery: 'off' | 'allowed' | 'forced'
  readonly allowsRecovery: boolean
  /** `cache`: what is recovered is the newest publication alone. */
  readonly recoveryMode: 'stream' | 'cache'
  /** Recovers for every subscriber, asked or not. Only with `cache`. */
  readonly recoversUnasked: boolean
  /** Subscribers may ask for patches. */
  readonly allowsDelta: boolean
  /** Every publication may be patched; else those alone that say so. */
  readonly patchesAll: boolean
  readonly allowsTagsFilter: boolean
  readonly allowSubscribe: Allowance
  readonly allowPublish: Allowance
  readonly allowPresence: Allowance
  readonly allowHistory: Allowance
  readonly allowUserLimitedChannels: boolean
  readonly channelRegex?: ChannelPattern
  readonly publicationDataFormat: '' | 'json' | 'json_object' | 'binary'
}

export const granting = (isForced: boolean, isAllowed: boolean): 'off' | 'allowed' | 'forced' => {
  if (isForced) return 'forced'
  return isAllowed ? 'allowed' : 'off'
}

const pointerPath = (pointer: string): readonly string[] =>
  pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))

function history(
  options: NamespaceOptions,
): Pick<Namespace, 'historySize' | 'historyTtlMs' | 'isHistoryCapped'> {
  const { history_size: size, history_ttl: ttlMs } = options
  return {
    ...(size ? { historySize: size } : {}),
    ...(ttlMs ? { historyTtlMs: ttlMs } : {}),
    isHistoryCapped: Boolean(size || ttlMs),
  }
}

function allowances(options: NamespaceOptions) {
  const allow = (client: boolean, subscriber: boolean, anonymous: boolean): Allowance =>
    Object.freeze({ client, subscriber, anonymous })
  return {
    allowSubscribe: allow(options.allow_subscribe_for_client, false, options.allow_subscribe_for_anonymous),
    allowPublish: allow(
      options.allow_publish_for_client,
      options.allow_publish_for_subscriber,
      options.allow_publish_for_anonymous,
    ),
    allowPresence: allow(
      options.allow_presence_for_client,
      options.allow_presence_for_subscriber,
      options.allow_presence_for_anonymous,
    ),
    allowHistory: allow(
      options.allow_history_for_client,
      options.allow_history_for_subscriber,
      options.allow_history_for_anonymous,
    ),
  }
}

export function resolveNamespace(name: string, options: NamespaceOptions): Namespace {
  const keep = decideKeep(options)
  const isDurable = keep !== 'none'
  return Object.freeze({
    name,
    keep,
    isDurable,
    ...(options.archive_for ? { archiveForMs: options.archive_for } : {}),
    archivesJson: options.archive_json,
    ...history(options),
    ...(options.message_id === undefined ? {} : { messageIdPath: pointerPath(options.message_id) }),
    hasPresence: options.presence,
    emitsJoinLeave: options.join_leave,
    forcePushJoinLeave: options.force_push_join_leave,
    positioning: granting(isDurable && options.force_positioning, isDurable && options.allow_positioning),
    allowsPositioning: isDurable && options.allow_positioning,
    // What is kept is recovered unless somebody says no: a durable channel that forgets on a reconnect would be a trap.
    recovery: granting(isDurable && (options.force_recovery ?? true), isDurable && options.allow_recovery),
    allowsRecovery: isDurable && options.allow_recovery,
    recoveryMode: options.force_recovery_mode,
    recoversUnasked: options.auto_cache_recover,
    allowsDelta: options.allowed_delta_types.includes('fossil'),
    patchesAll: options.delta_publish,
    allowsTagsFilter: options.allow_tags_filter,
    ...allowances(options),
    allowUserLimitedChannels: options.allow_user_limited_channels,
    ...(options.channel_regex === undefined ? {} : { channelRegex: channelPattern(options.channel_regex) }),
    publicationDataFormat: options.publication_data_format,
  })
}

/** Whether a publication's data has the form that the namespace asks for; else error 107. */
export function acceptsData(namespace: Namespace, data: Bytes | undefined): boolean {
  switch (namespace.publicationDataFormat) {
    case 'binary':
      return true
    case 'json':
      return data !== undefined && isJson(data)
    case 'json_object':
      return data !== undefined && isJsonObject(data)
    case '':
      return data !== undefined && data.length > 0
  }
}
