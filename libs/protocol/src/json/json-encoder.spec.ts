import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Errors } from '../codes.js'
import type { Push, Reply } from '../messages.js'
import { jsonCodec } from './json-codec.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const info = { user: 'u', client: 'c', connInfo: bytes('{"n":1}'), chanInfo: bytes('[2]') }
const named = (name: string, value: unknown): Record<string, never> =>
  JSON.parse(`{"${name}":${JSON.stringify(value)}}`)

const replies: [rule: string, reply: Reply, frame: string][] = [
  [
    '[6.4] an error',
    { id: 1, error: Errors.permissionDenied },
    '{"id":1,"error":{"code":103,"message":"permission denied"}}',
  ],
  [
    '[6.4] a temporary error',
    { id: 1, error: Errors.internal },
    '{"id":1,"error":{"code":100,"message":"internal server error","temporary":true}}',
  ],
  [
    '[4] connect',
    {
      id: 1,
      connect: { client: 'c', version: 'v', ping: 25, pong: true, expires: true, ttl: 60, data: bytes('{}') },
    },
    '{"id":1,"connect":{"client":"c","version":"v","expires":true,"ttl":60,"data":{},"ping":25,"pong":true}}',
  ],
  [
    '[11] connect with subscriptions, one of them named __proto__',
    { id: 1, connect: { client: 'c', version: 'v', subs: named('__proto__', { recoverable: true }) } },
    '{"id":1,"connect":{"client":"c","version":"v","subs":{"__proto__":{"recoverable":true}}}}',
  ],
  ['[2.7] an empty result keeps its key', { id: 5, publish: {} }, '{"id":5,"publish":{}}'],
  ['[2.7] unsubscribe', { id: 6, unsubscribe: {} }, '{"id":6,"unsubscribe":{}}'],
  [
    '[2.6] zero values are left out',
    { id: 2, subscribe: { recoverable: false, offset: 0, epoch: '', publications: [] } },
    '{"id":2,"subscribe":{}}',
  ],
  [
    '[7.3] a recovered subscription',
    {
      id: 2,
      subscribe: {
        recoverable: true,
        positioned: true,
        epoch: 'e',
        offset: 7,
        was_recovering: true,
        recovered: true,
        publications: [
          {
            data: bytes('1'),
            offset: 8,
          },
        ],
      },
    },
    '{"id":2,"subscribe":{"recoverable":true,"epoch":"e","publications":[{"data":1,"offset":8}],"recovered":true,"offset":7,"positioned":true,"was_recovering":true}}',
  ],
  [
    '[7.3] recovered is said only when it is true, was_recovering also when it failed',
    { id: 2, subscribe: { was_recovering: true, recovered: false } },
    '{"id":2,"subscribe":{"was_recovering":true}}',
  ],
  [
    '[2.6] presence is there when nobody is',
    { id: 3, presence: { presence: {} } },
    '{"id":3,"presence":{"presence":{}}}',
  ],
  [
    '[2.6] user and client are always there; a client named __proto__ is one like any other',
    { id: 3, presence: { presence: named('__proto__', { user: '', client: '' }) } },
    '{"id":3,"presence":{"presence":{"__proto__":{"user":"","client":""}}}}',
  ],
  [
    '[2.6] both counts are always there',
    { id: 4, presence_stats: { num_clients: 0, num_users: 0 } },
    '{"id":4,"presence_stats":{"num_clients":0,"num_users":0}}',
  ],
  [
    '[2.6] publications, epoch and offset of a history are always there',
    { id: 4, history: { publications: [], epoch: '', offset: 0 } },
    '{"id":4,"history":{"publications":[],"epoch":"","offset":0}}',
  ],
  ['[2.4] rpc', { id: 9, rpc: { data: bytes('null') } }, '{"id":9,"rpc":{"data":null}}'],
  ['[2.4] rpc without data', { id: 9, rpc: {} }, '{"id":9,"rpc":{}}'],
  [
    '[9.13] refresh',
    { id: 9, refresh: { client: 'c', version: 'v', expires: true, ttl: 5 } },
    '{"id":9,"refresh":{"client":"c","version":"v","expires":true,"ttl":5}}',
  ],
  [
    '[9] sub_refresh',
    { id: 9, sub_refresh: { expires: true, ttl: 5 } },
    '{"id":9,"sub_refresh":{"expires":true,"ttl":5}}',
  ],
]

const pushes: [rule: string, push: Push, frame: string][] = [
  [
    '[8] a patch',
    { channel: 'a', pub: { data: jsonCodec.deltaData(bytes('4\n4:"\\n"\n1;')), offset: 3, delta: true } },
    '{"push":{"channel":"a","pub":{"data":"4\\n4:\\"\\\\n\\"\\n1;","offset":3,"delta":true}}}',
  ],
  ['[10] a message', { message: { data: bytes('{"n":\n1}') } }, '{"push":{"message":{"data":{"n": 1}}}}'],
  [
    '[10] the last words',
    { disconnect: { code: 3001, reason: 'shutdown' } },
    '{"push":{"disconnect":{"code":3001,"reason":"shutdown"}}}',
  ],
  [
    '[10] another lifetime',
    { refresh: { expires: true, ttl: 9 } },
    '{"push":{"refresh":{"expires":true,"ttl":9}}}',
  ],
  [
    '[10] a publication with everything',
    { channel: 'a', pub: { data: bytes('{"x":1}'), info, offset: 3, tags: { t: '"' }, time: 4 } },
    '{"push":{"channel":"a","pub":{"data":{"x":1},"info":{"user":"u","client":"c","conn_info":{"n":1},"chan_info":[2]},"offset":3,"tags":{"t":"\\""},"time":4}}}',
  ],
  [
    '[10.3] no offset where nothing is kept',
    { channel: 'a', pub: { data: bytes('0') } },
    '{"push":{"channel":"a","pub":{"data":0}}}',
  ],
  [
    '[10.2] join',
    { channel: 'a', join: { info: { user: '', client: 'c' } } },
    '{"push":{"channel":"a","join":{"info":{"user":"","client":"c"}}}}',
  ],
  [
    '[10.2] leave',
    { channel: 'a', leave: { info: { user: 'u', client: 'c' } } },
    '{"push":{"channel":"a","leave":{"info":{"user":"u","client":"c"}}}}',
  ],
  [
    '[10] subscribe, by the server',
    {
      channel: 'a',
      subscribe: { recoverable: true, positioned: true, epoch: 'e', offset: 7, data: bytes('{"n":1}') },
    },
    '{"push":{"channel":"a","subscribe":{"recoverable":true,"epoch":"e","offset":7,"positioned":true,"data":{"n":1}}}}',
  ],
  [
    '[10] subscribe without a position',
    { channel: 'a', subscribe: {} },
    '{"push":{"channel":"a","subscribe":{}}}',
  ],
  [
    '[6.5] unsubscribe',
    { channel: 'a', unsubscribe: { code: 2500, reason: 'r' } },
    '{"push":{"channel":"a","unsubscribe":{"code":2500,"reason":"r"}}}',
  ],
]

describe('JSON encoding', () => {
  it('[2.2] frames are joined to lines of one, with no blank among them and none at the end', () => {
    const frames = [
      jsonCodec.reply({ id: 1, publish: {} }),
      jsonCodec.ping,
      jsonCodec.reply({ id: 2, publish: {} }),
    ]
    expect(jsonCodec.join(frames)).toBe('{"id":1,"publish":{}}\n{}\n{"id":2,"publish":{}}')
    expect(jsonCodec.join(['{}'])).toBe('{}')
  })

  it('[2.4] [5.1] the ping is an empty object, never an empty message', () => {
    expect(jsonCodec.ping).toBe('{}')
  })

  it.each(replies)('%s', (_rule, reply, frame) => {
    expect(jsonCodec.reply(reply)).toBe(frame)
  })

  it.each(pushes)('%s', (_rule, push, frame) => {
    expect(jsonCodec.push(push)).toBe(frame)
  })

  it('[2.2] [2.5] whatever the data and the names are, a push is one line of JSON that says the same', () => {
    const gap = fc.constantFrom('', '\n', '\r\n', ' ')
    const name = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', '\ud800', '"\\\n'))
    fc.assert(
      fc.property(fc.json(), gap, name, name, (json, space, channel, user) => {
        const data = bytes(`${space}${json}${space}`)
        const frame = jsonCodec.push({
          channel,
          pub: { data, info: { user, client: 'c' }, tags: { [user]: user } },
        })
        expect(frame).not.toMatch(/[\n\r]/)
        expect(new TextDecoder().decode(bytes(String(frame)))).toBe(frame)
        const { push } = JSON.parse(String(frame)) as {
          push: { channel?: string; pub: Record<string, unknown> }
        }
        expect(push.channel ?? '').toBe(channel)
        expect(push.pub['data']).toEqual(JSON.parse(json))
        expect(push.pub['info']).toEqual({ user, client: 'c' })
      }),
    )
  })

  it('[2.5] data without a newline goes out byte for byte', () => {
    const data = '{"a":1, "a":1E2,"\\u0000":12345678901234567890}'
    expect(jsonCodec.push({ channel: 'a', pub: { data: bytes(data) } })).toContain(`"data":${data}}`)
  })
})
