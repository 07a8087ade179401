/** The mesh that the laws are about: one namespace for each thing that a namespace can say. */
export const tokenSecret = 'a secret of the conformance tests'

const open = {
  presence: true,
  allow_subscribe_for_client: true,
  allow_subscribe_for_anonymous: true,
  allow_publish_for_client: true,
  allow_publish_for_anonymous: true,
  allow_presence_for_client: true,
  allow_presence_for_anonymous: true,
}

const kept = {
  ...open,
  keep: 'stream',
  allow_history_for_client: true,
  allow_history_for_anonymous: true,
}

const namespaces = {
  /** Nothing is kept. */
  live: open,
  /** Kept, so positioned and recovered without being asked. */
  room: kept,
  /** The newest five. */
  capped: { ...kept, history_size: 5 },
  /** Position and recovery are for those who ask. */
  asked: { ...kept, force_recovery: false, allow_recovery: true, allow_positioning: true },
  told: { ...open, join_leave: true, force_push_join_leave: true },
  tell: { ...open, join_leave: true },
  closed: {},
  members: { ...open, allow_publish_for_client: false, allow_publish_for_subscriber: true },
  anywhere: { ...open, channel_regex: '^.+$' },
  objects: { ...open, publication_data_format: 'json_object' },
  bytes: { ...open, publication_data_format: 'binary' },
  delta: { ...kept, allowed_delta_types: ['fossil'], delta_publish: true },
  tagged: { ...kept, allow_tags_filter: true },
  cache: { ...kept, history_size: 1, force_recovery_mode: 'cache' },
  autocache: {
    ...kept,
    history_size: 1,
    force_recovery_mode: 'cache',
    auto_cache_recover: true,
    allowed_delta_types: ['fossil'],
    delta_publish: true,
  },
  /** An app says who subscribes and what is published. */
  shop: { presence: true, allow_presence_for_subscriber: true },
  personal: { ...kept, allow_user_limited_channels: true },
}

export const meshConfig = {
  channel: {
    namespaces: Object.entries(namespaces).map(([name, options]) => Object.assign({ name }, options)),
  },
  client: {
    allow_anonymous: true,
    token_hmac_secret_key: tokenSecret,
    subscribe_to_user_personal_channel: true,
    personal_channel_namespace: 'personal',
    // a law waits for pings: no shorter than a busy machine can answer them
    ping_interval: '4s',
    pong_timeout: '3800ms',
  },
  log: { level: 'info' },
}
