import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Command } from '../messages.js'
import { MalformedFrameError } from '../protocol.errors.js'
import { jsonCodec } from './json-codec.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (text: string): Command[] => jsonCodec.decode(bytes(text))
const dataOf = (command: Command | undefined): string | undefined => {
  const data = command && 'request' in command && 'data' in command.request ? command.request.data : undefined
  return data && new TextDecoder().decode(data)
}

describe('JSON decoding', () => {
  it('[2.1] [2.3] one message holds commands separated by single newlines, one at the end tolerated', () => {
    const text = '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"a"}}\n'
    expect(decode(text)).toEqual([
      { id: 1, method: 'connect', request: {} },
      { id: 2, method: 'subscribe', request: { channel: 'a' } },
    ])
  })

  it.each([
    ['an empty message', ''],
    ['only a newline', '\n'],
    ['a blank part in the middle', '{}\n\n{}'],
    ['two newlines at the end', '{}\n\n'],
    ['a part of spaces', '{}\n  '],
    ['no JSON', 'hello'],
    ['JSON that is no object', '[]'],
    ['null', 'null'],
    ['a byte order mark', '\ufeff{}'],
    ['a command after a good one that is cut off', '{}\n{"id":1'],
    ['an id that is text', '{"id":"1","connect":{}}'],
    ['a negative id', '{"id":-1,"connect":{}}'],
    ['an id beyond uint32', '{"id":4294967296,"connect":{}}'],
    ['a fraction as id', '{"id":1.5,"connect":{}}'],
    ['an offset that a double cannot hold', '{"id":1,"subscribe":{"channel":"a","offset":9007199254740993}}'],
    ['a request that is no object', '{"id":1,"connect":true}'],
    ['a channel that is a number', '{"id":1,"publish":{"channel":1}}'],
    ['a flag that is text', '{"id":1,"subscribe":{"channel":"a","recover":"yes"}}'],
    ['a subscription of a wrong shape in connect', '{"id":1,"connect":{"subs":{"a":1}}}'],
    ['a header that is no text', '{"id":1,"connect":{"headers":{"a":1}}}'],
    ['since as text', '{"id":1,"history":{"channel":"a","since":"1"}}'],
    ['a delta that nobody knows', '{"id":1,"subscribe":{"channel":"a","delta":"xor"}}'],
    ['a second request of a wrong shape', '{"id":1,"publish":{"channel":"a"},"rpc":3}'],
  ])('[2.1] [2.8] refused as malformed: %s', (_what, text) => {
    expect(() => decode(text)).toThrow(MalformedFrameError)
  })

  it('[2.1] bytes that are not UTF-8 are refused', () => {
    expect(() => jsonCodec.decode(Uint8Array.of(0x7b, 0xff, 0x7d))).toThrow(MalformedFrameError)
  })

  it('[2.8] unknown fields are ignored, because newer SDKs send some', () => {
    expect(decode('{"id":1,"new":7,"presence":{"channel":"a","later":{}}}')).toEqual([
      { id: 1, method: 'presence', request: { channel: 'a' } },
    ])
  })

  it('[2.6] null and zero values read as absent', () => {
    const text =
      '{"id":1,"subscribe":{"channel":"a","token":"","recover":false,"offset":0,"tf":null,"data":null}}'
    expect(decode(text)).toEqual([{ id: 1, method: 'subscribe', request: { channel: 'a' } }])
  })

  it('[3.4] no id and no send is a pong, whatever else is set', () => {
    expect(decode('{}\n{"id":0,"publish":{"channel":"a"}}')).toEqual([
      { id: 0, method: 'pong' },
      { id: 0, method: 'pong' },
    ])
  })

  it('[3.4] send needs no id', () => {
    const [command] = decode('{"send":{"data":"x"}}')
    expect(command).toMatchObject({ id: 0, method: 'send' })
    expect(dataOf(command)).toBe('"x"')
  })

  it.each(['{"id":3}', '{"id":3,"ping":{}}', '{"id":3,"connect":null}'])(
    '[3.5] an id without a request that we know is unknown: %s',
    (text) => {
      expect(decode(text)).toEqual([{ id: 3, method: 'unknown' }])
    },
  )

  it('[3.5] of several requests the first in the fixed order is taken, whatever order they came in', () => {
    const order = [
      'connect',
      'subscribe',
      'unsubscribe',
      'publish',
      'presence',
      'presence_stats',
      'history',
      'rpc',
      'send',
      'refresh',
      'sub_refresh',
    ]
    fc.assert(
      fc.property(fc.shuffledSubarray(order, { minLength: 1 }), (set) => {
        const [command] = decode(
          JSON.stringify({ id: 1, ...Object.fromEntries(set.map((name) => [name, {}])) }),
        )
        expect(command?.method).toBe(order.find((name) => set.includes(name)))
      }),
    )
  })

  it('[3.6] a missing channel reads as empty, for the connection to refuse in its turn', () => {
    expect(decode('{"id":1,"publish":{}}')).toEqual([{ id: 1, method: 'publish', request: { channel: '' } }])
  })

  it('[2.3] connect: every field; subscriptions keep their channel, also one named __proto__', () => {
    const subs = '{"__proto__":{"recover":true,"epoch":"e","offset":3},"b":null}'
    const text = `{"id":1,"connect":{"token":"t","name":"js","version":"1","headers":{"__proto__":"h"},"subs":${subs}}}`
    const [command] = decode(text)
    if (command?.method !== 'connect') throw new Error('not a connect')
    const { subs: read = {}, headers = {}, ...rest } = command.request
    expect(rest).toEqual({ token: 't', name: 'js', version: '1' })
    expect(Object.entries(headers)).toEqual([['__proto__', 'h']])
    expect(Object.entries(read)).toEqual([
      ['__proto__', { channel: '__proto__', recover: true, epoch: 'e', offset: 3 }],
      ['b', { channel: 'b' }],
    ])
    expect(read['constructor']).toBeUndefined()
  })

  it('[7.1] subscribe: every field', () => {
    const request = {
      channel: 'a',
      token: 't',
      recover: true,
      epoch: 'e',
      offset: 9,
      positioned: true,
      recoverable: true,
      join_leave: true,
      delta: 'fossil',
      flag: 3,
      type: 1,
    }
    const [command] = decode(JSON.stringify({ id: 1, subscribe: request }))
    expect(command).toEqual({ id: 1, method: 'subscribe', request })
  })

  it('[14] a tags filter is read as it came, with its zero values left out', () => {
    const leaf = { key: 'k', cmp: 'in', vals: ['a', ''] }
    const tf = { op: 'or', nodes: [leaf, { op: 'not', nodes: [{ key: 'k', cmp: 'eq', val: 'v' }] }] }
    const sent = { ...tf, key: '', nodes: [{ ...leaf, op: '', nodes: [] }, tf.nodes[1]] }
    const [command] = decode(JSON.stringify({ id: 1, subscribe: { channel: 'a', tf: sent } }))
    expect(command).toEqual({ id: 1, method: 'subscribe', request: { channel: 'a', tf } })
  })

  it.each([
    ['no object', '[]'],
    ['a key that is no text', '{"key":1}'],
    ['values that are no list', '{"vals":"a"}'],
    ['a value that is no text', '{"vals":[1]}'],
    ['a node that is no object', '{"nodes":[1]}'],
    ['one nested deeper than its readers recurse', '{"nodes":['.repeat(64) + '{}' + ']}'.repeat(64)],
  ])('[14] a tags filter that is %s is malformed', (_what, tf) => {
    expect(() => decode(`{"id":1,"subscribe":{"channel":"a","tf":${tf}}}`)).toThrow(MalformedFrameError)
  })

  it('[7.1] what asks for a map channel or a shared poll says so', () => {
    expect(decode('{"id":1,"publish":{"channel":"a","data":1,"type":1}}')).toMatchObject([
      { request: { channel: 'a', type: 1 } },
    ])
    expect(decode('{"id":1,"sub_refresh":{"channel":"a","type":2}}')).toEqual([
      { id: 1, method: 'sub_refresh', request: { channel: 'a', type: 2 } },
    ])
  })

  it('[9.10] history: limits below zero, a since without offset', () => {
    expect(decode('{"id":1,"history":{"channel":"a","limit":-1,"since":{},"reverse":true}}')).toEqual([
      {
        id: 1,
        method: 'history',
        request: { channel: 'a', limit: -1, since: { offset: 0, epoch: '' }, reverse: true },
      },
    ])
  })

  it.each(['connect', 'subscribe', 'publish', 'rpc', 'send'])(
    '[2.5] data of %s stays byte for byte, because parsing and writing again would change it',
    (method) => {
      const awkward = fc.constantFrom(
        '{"a":1,"a":2}',
        '1E2',
        '-0',
        '12345678901234567890',
        '"\\u0000\\ud800"',
        '[ 1 ,\t2 ]',
        '{"data":{"data":1}}',
        '"\u2028 é \u{1f600}"',
      )
      const json = fc.oneof(awkward, fc.json(), fc.json({ stringUnit: 'binary' }))
      fc.assert(
        fc.property(json, fc.boolean(), (data, isFirst) => {
          const fields = isFirst ? `"data": ${data} ,"channel":"c"` : `"data":0,"channel":"c","data":${data}`
          const [command] = decode(`{"id":1,"x":{"data":7},"${method}":{${fields}}}`)
          expect(dataOf(command)).toBe(data === 'null' ? undefined : data)
        }),
      )
    },
  )

  it('[2.5] of a request given twice the last counts, and so does its data', () => {
    const [command] = decode('{"id":1,"publish":{"channel":"a","data":1},"publish":{"channel":"b","data":2}}')
    expect(command).toMatchObject({ request: { channel: 'b' } })
    expect(dataOf(command)).toBe('2')
  })

  it('data 20,000 levels deep passes: depth must not be a way to break the node', () => {
    const deep = '['.repeat(20_000) + ']'.repeat(20_000)
    expect(dataOf(decode(`{"id":1,"publish":{"channel":"a","data":${deep}}}`)[0])).toBe(deep)
  })

  it('random bytes never throw anything but MalformedFrameError', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '"id"',
      ':',
      '1',
      ',',
      '"publish"',
      '"data"',
      '\n',
      '"\\u0064ata"',
      'null',
      '[',
    )
    const message = fc.oneof(
      fc.uint8Array(),
      fc.array(pieces).map((parts) => bytes(parts.join(''))),
      fc.json().map(bytes),
    )
    fc.assert(
      fc.property(message, (input) => {
        try {
          jsonCodec.decode(input)
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedFrameError)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})
