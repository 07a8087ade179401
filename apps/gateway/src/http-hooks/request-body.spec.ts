import { describe, expect, it } from '@jest/globals'
import type { Caller } from '@natter/hooks'
import { websocketWires } from '../connection/wire.js'
import { requestBody } from './request-body.js'

const caller: Caller = {
  client: 'c',
  user: 'a"n',
  node: 'n',
  headers: { cookie: 'secret' },
  ip: '127.0.0.1',
  infoJson: '{"i":1}',
  metaJson: '{"m":1E2}',
}
const json = { wire: websocketWires.json }
const plain = { isBinary: false, includesMeta: false }
const withMeta = { isBinary: false, includesMeta: true }
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('what a hook over HTTP is asked', () => {
  it('data and meta go as they were written (B1)', () => {
    const data = bytes('{"k":1E2, "k":2}')
    expect(requestBody({ kind: 'rpc', caller, method: 'm', call: 'x', data }, json, withMeta)).toBe(
      '{"client":"c","transport":"websocket","protocol":"json","encoding":"json","user":"a\\"n","method":"m",' +
        '"meta":{"m":1E2},"data":{"k":1E2, "k":2}}',
    )
  })

  it('bytes that are no JSON go as base64 (B2)', () => {
    const data = Uint8Array.from([0xff, 0, 1])
    const asker = { wire: websocketWires.protobuf }
    const body = requestBody({ kind: 'publish', caller, namespace: '', channel: 'c', data }, asker, plain)
    expect(JSON.parse(body)).toEqual({
      client: 'c',
      transport: 'websocket',
      protocol: 'protobuf',
      encoding: 'binary',
      user: 'a"n',
      channel: 'c',
      b64data: '/wAB',
    })
  })

  it('who connects has neither user nor meta yet; what isn’t said isn’t there', () => {
    const body = requestBody({ kind: 'connect', caller, name: '', channels: [] }, json, withMeta)
    expect(Object.keys(JSON.parse(body) as object)).toEqual(['client', 'transport', 'protocol', 'encoding'])
  })

  it('meta is for who asked for it', () => {
    expect(requestBody({ kind: 'refresh', caller }, json, plain)).not.toContain('meta')
  })

  it('of the headers of the connection nothing is in it', () => {
    expect(requestBody({ kind: 'refresh', caller }, json, withMeta)).not.toContain('secret')
  })
})
