/** What an SDK can speak: every transport with every encoding that it has. SSE is text, so it is JSON alone. */
export type Transport = 'websocket' | 'http_stream' | 'sse'
export type Encoding = 'json' | 'protobuf'

export interface Combination {
  readonly transport: Transport
  readonly encoding: Encoding
}

export const combinations: readonly Combination[] = [
  { transport: 'websocket', encoding: 'json' },
  { transport: 'websocket', encoding: 'protobuf' },
  { transport: 'http_stream', encoding: 'json' },
  { transport: 'http_stream', encoding: 'protobuf' },
  { transport: 'sse', encoding: 'json' },
]
