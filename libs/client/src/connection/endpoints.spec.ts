import { describe, expect, it } from '@jest/globals'
import { endpointsOf } from './endpoints.js'

describe('the addresses of a gateway', () => {
  it.each([
    'https://example.com',
    'https://example.com/',
    'wss://example.com',
    'wss://example.com/connection/websocket',
    'https://example.com/connection/sse',
  ])('come from %s', (url) => {
    expect(endpointsOf(url)).toEqual({
      endpoint: 'wss://example.com/connection/websocket',
      emulationEndpoint: 'https://example.com/emulation',
    })
  })

  it('stand behind a path where a proxy has one, and are tried in the order that is given', () => {
    expect(
      endpointsOf('http://127.0.0.1:8001/mesh/connection/websocket', ['websocket', 'http_stream', 'sse']),
    ).toEqual({
      endpoint: [
        { transport: 'websocket', endpoint: 'ws://127.0.0.1:8001/mesh/connection/websocket' },
        { transport: 'http_stream', endpoint: 'http://127.0.0.1:8001/mesh/connection/http_stream' },
        { transport: 'sse', endpoint: 'http://127.0.0.1:8001/mesh/connection/sse' },
      ],
      emulationEndpoint: 'http://127.0.0.1:8001/mesh/emulation',
    })
  })

  it('are refused with what to write instead, where there are none', () => {
    expect(() => endpointsOf('example.com')).toThrow(/such as https:\/\/example.com/)
    expect(() => endpointsOf('ftp://example.com')).toThrow(/no address/)
    expect(() => endpointsOf('https://example.com', [])).toThrow(/Name a transport/)
  })
})
