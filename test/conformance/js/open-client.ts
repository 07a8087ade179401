/** Makes the SDK of a combination: the same in Node and in a page, which differ in what they hand to it. */
import { Centrifuge as JsonCentrifuge, type Centrifuge, type Options } from 'centrifuge'
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf'
import { Client, Packing, type ClientOptions } from './client.js'
import type { Combination, Transport } from './combinations.js'

const paths: Readonly<Record<Transport, string>> = {
  websocket: '/connection/websocket',
  http_stream: '/connection/http_stream',
  sse: '/connection/sse',
}

/**
 * @param address host and port.
 * @param given what a host has to hand to the SDK, such as a WebSocket; in a page nothing.
 */
export function openClient(
  { transport, encoding }: Combination,
  address: string,
  options: ClientOptions,
  given: Partial<Options>,
): Client {
  const { data, ...rest } = options
  const scheme = transport === 'websocket' ? 'ws' : 'http'
  const endpoint = `${scheme}://${address}${paths[transport]}`
  const all: Partial<Options> = {
    minReconnectDelay: 20,
    maxReconnectDelay: 200,
    emulationEndpoint: `http://${address}/emulation`,
    ...given,
    ...rest,
    ...(data === undefined ? {} : { data: new Packing(encoding).pack(data) as object }),
  }
  const Build =
    encoding === 'json' ? JsonCentrifuge : (ProtobufCentrifuge as unknown as typeof JsonCentrifuge)
  const sdk: Centrifuge = new Build([{ transport, endpoint }], all)
  return new Client(sdk, encoding)
}
