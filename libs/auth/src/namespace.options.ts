/**
 * The options of a namespace as people write them: Centrifugo's keys, so that a configuration of it keeps its meaning, and
 * ours (`keep`, `message_id`). Everything is off until it is set.
 */
import { z } from 'zod'
import { foreignOption, type ForeignOption } from './foreign-options.js'

const off = z.boolean().default(false)
const on = z.boolean().optional()

/** At least two characters, so that a name can't be taken for a sign of the grammar. */
export const namespaceName = z
  .string()
  .describe('The text of a channel before its first colon: two or more of `a-z A-Z 0-9 - _`.')
  .regex(/^[-a-zA-Z0-9_]{2,}$/, 'a namespace name is two or more of a-z, A-Z, 0-9, - and _')

const isPattern = (source: string): boolean => {
  try {
    return new RegExp(source, 'u') instanceof RegExp
  } catch {
    return false
  }
}

/** Which of the addresses over HTTP: of those of `channel.proxy` the one for this, or one of `proxies.named`. */
const proxyName = z.string().min(1).default('default')

const noStreams = (key: string) =>
  z
    .unknown()
    .refine(
      (value) => value === undefined || value === false,
      `${key} is for streams over gRPC: there are none of them here`,
    )
    .optional()

const plainSchema = (duration: z.ZodType<number, unknown>) =>
  z.strictObject({
    /** `none`: gone once delivered. `stream`: stored by JetStream. `archive`: written into Postgres as well, and kept for good. */
    keep: z.enum(['none', 'stream', 'archive']).optional(),
    /** How long the archive keeps publications, in whole days of UTC. 0 or absent = for good. */
    archive_for: duration.optional(),
    /** The archive has a column of Postgres' JSON beside the bytes, for people's queries. */
    archive_json: off,
    /** Clients read and recover at most so many of the newest publications. 0 or absent = no such bound. */
    history_size: z.int().min(0).optional(),
    /** Clients read and recover nothing older than this. 0 or absent = no such bound. */
    history_ttl: duration.optional(),
    /** Taken as Centrifugo has it, and always kept: positions of a channel hold for as long as the stream that numbers them is there. */
    history_meta_ttl: duration.optional(),
    /** A JSON pointer into the data of a client's publication: a repeat with the same id is stored once. */
    message_id: z
      .string()
      .regex(/^(\/([^~/]|~[01])*)+$/, "a JSON pointer such as '/id'")
      .optional(),
    /** Who is in a channel can be asked. */
    presence: off,
    /** Joins and leaves are told to subscribers who ask for them. */
    join_leave: off,
    /** Joins and leaves are told to every subscriber, asked or not. */
    force_push_join_leave: off,
    /** Clients may ask for their position in the channel. */
    allow_positioning: off,
    /** Every subscriber gets its position. */
    force_positioning: off,
    /** Clients may ask to recover what they missed. */
    allow_recovery: off,
    /** Every subscriber recovers what it missed. Absent = on where publications are kept. */
    force_recovery: on,
    /** What a subscriber recovers: all that it missed (`stream`), or the newest publication alone (`cache`). */
    force_recovery_mode: z.enum(['stream', 'cache']).default('stream'),
    /** Every subscriber gets the newest publication with its subscription, asked or not. */
    auto_cache_recover: off,
    /** Subscribers may ask for what a publication changes in the one before it, in place of the publication: `fossil`. */
    allowed_delta_types: z.array(z.enum(['fossil'])).default([]),
    /** Every publication may be told as such a change; else those alone whose publisher says so. */
    delta_publish: off,
    /** Subscribers may ask for the publications alone whose tags match a filter of theirs. It hides nothing: they choose it. */
    allow_tags_filter: off,
    /** Users may subscribe. */
    allow_subscribe_for_client: off,
    /** Clients without a user id may subscribe too, where users may. */
    allow_subscribe_for_anonymous: off,
    /** Users may publish. */
    allow_publish_for_client: off,
    /** Users may publish where they are subscribed. */
    allow_publish_for_subscriber: off,
    /** Clients without a user id may publish too, where users may. */
    allow_publish_for_anonymous: off,
    /** Users may ask who is in a channel. */
    allow_presence_for_client: off,
    /** Users may ask who is in a channel where they are subscribed. */
    allow_presence_for_subscriber: off,
    /** Clients without a user id may ask who is in a channel too, where users may. */
    allow_presence_for_anonymous: off,
    /** Users may read history. */
    allow_history_for_client: off,
    /** Users may read history where they are subscribed. */
    allow_history_for_subscriber: off,
    /** Clients without a user id may read history too, where users may. */
    allow_history_for_anonymous: off,
    /** `#` in a name lists the users who may subscribe: `chat:#ana,ben` is for those two. */
    allow_user_limited_channels: off,
    /** What the part after the namespace must match; also lifts the rule that names are ASCII. */
    channel_regex: z.string().refine(isPattern, 'not a regular expression').optional(),
    /** A hook over HTTP answers `subscribe` here, in place of the rules. */
    subscribe_proxy_enabled: off,
    /** Which: `default` is `channel.proxy.subscribe`, others are in `proxies.named`. */
    subscribe_proxy_name: proxyName,
    /** A hook over HTTP answers `publish` here, in place of the rules. */
    publish_proxy_enabled: off,
    /** Which: `default` is `channel.proxy.publish`, others are in `proxies.named`. */
    publish_proxy_name: proxyName,
    /** A hook over HTTP is asked at the end of a subscription whether it goes on, also where a token let it in. */
    sub_refresh_proxy_enabled: off,
    /** Which: `default` is `channel.proxy.sub_refresh`, others are in `proxies.named`. */
    sub_refresh_proxy_name: proxyName,
    /** Refused: nothing streams over a hook. */
    subscribe_stream_proxy_enabled: noStreams('subscribe_stream_proxy_enabled'),
    /** Refused: nothing streams over a hook. */
    subscribe_stream_proxy_name: noStreams('subscribe_stream_proxy_name'),
    /** Refused: nothing streams over a hook. */
    subscribe_stream_proxy_bidirectional: noStreams('subscribe_stream_proxy_bidirectional'),
    /** What the data of a publication must be: anything but empty, JSON, a JSON object, or any bytes. */
    publication_data_format: z.enum(['', 'json', 'json_object', 'binary']).default(''),
    /** Refused, but for `stream`: there is one type of subscriptions. */
    subscription_type: foreignOption('subscription_type'),
    /** Refused: there are no map subscriptions. */
    map: foreignOption('map'),
    /** Refused: there is no shared polling. */
    shared_poll: foreignOption('shared_poll'),
    /** Refused: presence is no map channel. */
    map_clients_presence_channel_prefix: foreignOption('map_clients_presence_channel_prefix'),
    /** Refused: presence is no map channel. */
    map_users_presence_channel_prefix: foreignOption('map_users_presence_channel_prefix'),
  })

type Parsed = Omit<z.output<ReturnType<typeof plainSchema>>, ForeignOption>

export type NamespaceOptions = { readonly [K in keyof Parsed]: Readonly<Parsed[K]> }

/** What the options say when nobody set `keep`. */
export const decideKeep = (options: Pick<NamespaceOptions, 'keep' | 'history_size' | 'history_ttl'>) =>
  options.keep ?? (options.history_size && options.history_ttl ? 'archive' : 'none')

type Problem = readonly [key: keyof NamespaceOptions, message: string]

function contradictions(options: NamespaceOptions): Problem[] {
  const { keep, history_size: size, history_ttl: ttl } = options
  const problems: Problem[] = []
  if (keep === undefined && Boolean(size) !== Boolean(ttl))
    problems.push([
      'keep',
      'history_size without history_ttl (or the reverse) keeps nothing: set both, or say keep',
    ])
  if (keep === 'none' && (size || ttl))
    problems.push(['keep', "'none' keeps nothing that history_size or history_ttl could bound"])
  if (decideKeep(options) !== 'archive')
    for (const key of ['archive_for', 'archive_json'] as const)
      if (options[key]) problems.push([key, "needs keep 'archive': nothing else is archived"])
  if (options.force_push_join_leave && !options.join_leave)
    problems.push(['force_push_join_leave', 'needs join_leave: there is nothing to push'])
  problems.push(...deltaContradictions(options), ...cacheContradictions(options))
  for (const hook of ['subscribe', 'publish', 'sub_refresh'] as const)
    if (options[`${hook}_proxy_name`] !== 'default' && !options[`${hook}_proxy_enabled`])
      problems.push([`${hook}_proxy_name`, `says nothing without ${hook}_proxy_enabled`])
  if (decideKeep(options) !== 'none') return problems
  const needKept = [
    'force_recovery',
    'allow_recovery',
    'force_positioning',
    'allow_positioning',
    'message_id',
  ] as const
  for (const key of needKept) if (options[key]) problems.push([key, needsKept])
  return problems
}

const needsKept = "needs publications that are kept: keep 'stream' or 'archive'"

const canRecover = ({
  force_recovery: isForced = true,
  allow_recovery: isAllowed,
}: NamespaceOptions): boolean => isForced || isAllowed

function deltaContradictions(options: NamespaceOptions): Problem[] {
  const { allowed_delta_types: types, delta_publish: isForAll } = options
  const hasTypes = types.length > 0
  if (isForAll && !hasTypes)
    return [['delta_publish', "needs allowed_delta_types: ['fossil']: else nobody may ask for what changed"]]
  if (!hasTypes) return []
  if (decideKeep(options) === 'none') return [['allowed_delta_types', needsKept]]
  if (canRecover(options) || options.force_positioning || options.allow_positioning) return []
  const sentence = 'needs recovery or positioning: only who knows its position can be told what changed'
  return [['allowed_delta_types', sentence]]
}

function cacheContradictions(options: NamespaceOptions): Problem[] {
  const isCache = options.force_recovery_mode === 'cache'
  if (isCache && decideKeep(options) === 'none') return [['force_recovery_mode', needsKept]]
  if (isCache && !canRecover(options))
    return [['force_recovery_mode', "'cache' needs recovery: set force_recovery or allow_recovery"]]
  if (!options.auto_cache_recover) return []
  if (!isCache) return [['auto_cache_recover', "needs force_recovery_mode: 'cache'"]]
  if (options.force_recovery === false)
    return [['auto_cache_recover', 'needs force_recovery: it recovers for everybody']]
  return []
}

/**
 * The schema of one namespace. `duration` is how the caller lets people write a duration; it has to answer milliseconds.
 * Unknown keys are refused: a misspelt permission must not pass as "off".
 */
export const namespaceSchema = ({ duration }: { duration: z.ZodType<number, unknown> }) =>
  plainSchema(duration).superRefine((options, context) => {
    for (const [key, message] of contradictions(options))
      context.addIssue({ code: 'custom', path: [key], message })
  })
