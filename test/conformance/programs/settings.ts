/** The settings of the gateways that official SDKs are driven against, as an operator would write them. */
import { stringify } from 'yaml'

export const secret = 'a secret of the conformance tests'

const everybody = Object.fromEntries(
  ['subscribe', 'publish', 'history', 'presence'].flatMap((what) => [
    [`allow_${what}_for_client`, true],
    [`allow_${what}_for_anonymous`, true],
  ]),
)

const kept = { ...everybody, keep: 'stream' }

export const settings = stringify({
  client: {
    token_hmac_secret_key: secret,
    allow_anonymous: true,
    subscribe_to_user_personal_channel: true,
    personal_channel_namespace: 'room',
    // Often enough to be seen in a short run; a pong may take as long as a busy machine needs.
    ping_interval: '3s',
    pong_timeout: '2800ms',
  },
  channel: {
    namespaces: [
      { name: 'room', ...kept, presence: true, join_leave: true, allow_user_limited_channels: true },
      { name: 'live', ...everybody },
      { name: 'closed' },
      { name: 'capped', ...kept, history_size: 5 },
      { name: 'patched', ...kept, allowed_delta_types: ['fossil'], delta_publish: true },
      { name: 'tagged', ...kept, allow_tags_filter: true },
      { name: 'value', ...kept, history_size: 1, force_recovery_mode: 'cache' },
      { name: 'raw', ...kept, publication_data_format: 'binary' },
    ],
  },
})
