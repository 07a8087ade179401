import { describe, expect, it } from '@jest/globals'
import { websocketPath, wireOf } from './wire-of.js'

const encodingOf = (query: string, subprotocols: string[] = []) =>
  wireOf({ path: websocketPath, query, subprotocols }).codec.encoding

describe('the encoding of a WebSocket', () => {
  it('[1.1] is Protobuf where the subprotocol or the query asks for it', () => {
    expect(encodingOf('', ['centrifuge-protobuf'])).toBe('protobuf')
    expect(encodingOf('', ['centrifuge-json', 'centrifuge-protobuf'])).toBe('protobuf')
    expect(encodingOf('format=protobuf')).toBe('protobuf')
    expect(encodingOf('a=b&cf_protocol=protobuf')).toBe('protobuf')
  })

  it('[1.1] is JSON for everybody else, because most SDKs ask for nothing', () => {
    expect(encodingOf('')).toBe('json')
    expect(encodingOf('', ['centrifuge-json', 'other'])).toBe('json')
    expect(encodingOf('format=json&cf_protocol_version=v2')).toBe('json')
  })

  it('[1.5] is the same where pings are frames, and they are only where the query asks for them', () => {
    const wire = (query: string) => wireOf({ path: websocketPath, query, subprotocols: [] })
    expect(wire('cf_ws_frame_ping_pong=true').hasFramePings).toBe(true)
    expect(encodingOf('cf_ws_frame_ping_pong=true')).toBe('json')
    expect(wire('format=protobuf&cf_ws_frame_ping_pong=true').hasFramePings).toBe(true)
    expect(encodingOf('format=protobuf&cf_ws_frame_ping_pong=true')).toBe('protobuf')
    expect(wire('cf_ws_frame_ping_pong=false').hasFramePings).toBe(false)
  })
})
