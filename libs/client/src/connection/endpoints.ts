import { InvalidError } from '@natter/primitives'
import type { TransportEndpoint } from 'centrifuge'

export type Transport = 'websocket' | 'http_stream' | 'sse'

export interface Endpoints {
  /** As the SDK takes it. */
  endpoint: string | TransportEndpoint[]
  emulationEndpoint: string
}

const way = /\/connection\/[a-z_]+\/?$/

/**
 * The addresses of a gateway's ways in.
 *
 * @param url The gateway (`https://example.com`), or one of its ways in (`wss://example.com/connection/websocket`); `http` and `ws` are one.
 * @param transports In the order in which they are tried.
 * @throws InvalidError `bad-url`, `no-transport`.
 */
export function endpointsOf(url: string, transports: readonly Transport[] = ['websocket']): Endpoints {
  const base = baseOf(url)
  const at = (transport: Transport): TransportEndpoint => ({
    transport,
    endpoint: `${transport === 'websocket' ? base.replace(/^http/, 'ws') : base}/connection/${transport}`,
  })
  const [first, ...others] = transports
  if (first === undefined)
    throw new InvalidError('no-transport', 'Name a transport: websocket, http_stream or sse.')
  const isPlain = first === 'websocket' && others.length === 0
  return {
    endpoint: isPlain ? at(first).endpoint : transports.map(at),
    emulationEndpoint: `${base}/emulation`,
  }
}

function baseOf(url: string): string {
  if (!URL.canParse(url) || !/^(https?|wss?):/.test(url))
    throw new InvalidError('bad-url', `"${url}" is no address of a gateway, such as https://example.com.`)
  const { protocol, host, pathname } = new URL(url)
  const path = pathname.replace(way, '').replace(/\/$/, '')
  return `${protocol.replace(/^ws/, 'http')}//${host}${path}`
}
