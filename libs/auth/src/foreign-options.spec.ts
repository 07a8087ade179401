import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { namespaceSchema } from './namespace.options.js'

const schema = namespaceSchema({ duration: z.number() })

describe('[13.2] options of Centrifugo that there are none of', () => {
  it.each([
    ['map', { sync_mode: 'ephemeral' }, /keep the state/],
    ['map', {}, /keep the state/],
    ['shared_poll', { interval: '1s' }, /publish what changed/],
    ['subscription_type', 'map_clients', /must be stream/],
    ['map_clients_presence_channel_prefix', 'clients:', /set presence/],
    ['map_users_presence_channel_prefix', 'users:', /presence_stats/],
    ['subscribe_stream_proxy_enabled', true, /gRPC/],
    ['subscribe_stream_proxy_name', 'other', /gRPC/],
    ['subscribe_stream_proxy_bidirectional', true, /gRPC/],
  ])('%s: %j is refused with what to do', (key, value, sentence) => {
    const { error } = schema.safeParse({ [key]: value })
    expect(error?.issues).toMatchObject([{ path: [key], message: expect.stringMatching(sentence) }])
  })

  it('may say what is so anyway', () => {
    const same = {
      subscription_type: 'stream',
      map_users_presence_channel_prefix: '',
      history_meta_ttl: 1_000,
    }
    expect(schema.safeParse(same).success).toBe(true)
  })
})
