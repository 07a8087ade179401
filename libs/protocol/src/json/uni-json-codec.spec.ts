import { describe, expect, it } from '@jest/globals'
import { MalformedFrameError } from '../protocol.errors.js'
import { decodeJsonEmulationRequest } from './json-emulation-request.js'
import { uniJsonCodec } from './uni-json-codec.js'

const decode = (text: string) => uniJsonCodec.decode(Buffer.from(text))

describe('the JSON of clients that only listen', () => {
  it('[16.1] reads a connect request without a command around it, its data as they came', () => {
    const [command] = decode(
      '{"token":"t","data":{"big":123456789012345678901234567890},"subs":{"a":{"recover":true}}}',
    )
    expect(command).toMatchObject({
      method: 'connect',
      request: { token: 't', subs: { a: { channel: 'a', recover: true } } },
    })
    const data = command?.method === 'connect' ? command.request.data : undefined
    expect(Buffer.from(data ?? []).toString()).toBe('{"big":123456789012345678901234567890}')
    expect(decode('{}')).toEqual([{ id: 1, method: 'connect', request: {} }])
    expect(decode('{"data":null}')).toEqual([{ id: 1, method: 'connect', request: {} }])
  })

  it.each(['', '[]', 'null', '7', '{', '{}\n{}', '{"token":7}', '{"subs":[]}', '\u0000'])(
    '[16.4] refuses what is no connect request: %j',
    (text) => {
      expect(() => decode(text)).toThrow(MalformedFrameError)
    },
  )

  it('[16.2] says pushes, and the connect, without a reply around them', () => {
    const connect = { client: 'c', version: 'v', ping: 25 }
    expect(uniJsonCodec.reply({ id: 1, connect })).toBe('{"connect":{"client":"c","version":"v","ping":25}}')
    const pub = { data: Buffer.from('{"a":1}'), offset: 7 }
    expect(uniJsonCodec.push({ channel: 'x', pub })).toBe('{"channel":"x","pub":{"data":{"a":1},"offset":7}}')
    expect(uniJsonCodec.push({ disconnect: { code: 3001, reason: 'shutdown' } })).toBe(
      '{"disconnect":{"code":3001,"reason":"shutdown"}}',
    )
    expect(uniJsonCodec.ping).toBe('{}')
  })

  it('[16.2] says each on a line of its own where several leave together, and for delta the data as a string', () => {
    expect(uniJsonCodec.join(['{"a":1}', '{}', '{"b":2}'])).toBe('{"a":1}\n{}\n{"b":2}')
    const data = uniJsonCodec.deltaData(Buffer.from('{"a":"é"}'))
    expect(Buffer.from(data).toString()).toBe(JSON.stringify('{"a":"é"}'))
  })
})

describe('the JSON body of a post to /emulation', () => {
  const read = (text: string) => decodeJsonEmulationRequest(Buffer.from(text))

  it('[15.4] holds the commands as a string', () => {
    const { data, ...rest } = read('{"session":"s","node":"n","data":"{\\"id\\":1}\\n{}","more":1}')
    expect(rest).toEqual({ session: 's', node: 'n' })
    expect(Buffer.from(data).toString()).toBe('{"id":1}\n{}')
  })

  it.each(['', '{', '[]', 'null', '{"session":1}', '{"node":{}}', '{"data":{"id":1}}', '\u0000'])(
    '[15.5] refuses what is no such thing: %j',
    (text) => {
      expect(() => read(text)).toThrow(MalformedFrameError)
    },
  )
})
