/**
 * Namespace options of Centrifugo that mean nothing here: read, so that who brings a configuration along is told what to do, not that
 * there is no such key.
 */
import { z } from 'zod'

const state =
  "keep the state in your app's database, or as the newest publication of a channel with force_recovery_mode: cache"

/** Complete "the key …". */
const sentences = {
  map: `must go: map subscriptions are not offered here: ${state}`,
  shared_poll:
    'must go: shared polling is not offered here: publish what changed when it changes, from an app or over the API',
  subscription_type: `must be stream, which all are here, or go: ${state}`,
  map_clients_presence_channel_prefix:
    'must go: presence is no map channel here: set presence and ask for it with the presence command, or set join_leave',
  map_users_presence_channel_prefix:
    'must go: presence is no map channel here: set presence and ask for presence_stats, which counts users',
} as const

export type ForeignOption = keyof typeof sentences

/** What Centrifugo does without the key may be said. */
const isNothing = (key: ForeignOption, value: unknown): boolean =>
  value === undefined || value === '' || (key === 'subscription_type' && value === 'stream')

export const foreignOption = (key: ForeignOption) =>
  z
    .unknown()
    .refine((value) => isNothing(key, value), sentences[key])
    .optional()
