/**
 * The door of the tests' mesh: what a program asks for because no client can do it, in the words of a query, so that a program in any
 * language can ask. `POST /<what>?run=…&…`, answered with 200 and a text.
 */
import type { ApiClient } from '@natter/hooks'
import { Centrifuge } from 'centrifuge/build/protobuf'
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket } from 'ws'
import { secret } from './settings.js'
import type { MovingProxy } from './world.js'

export interface Door {
  readonly url: string
  close(): Promise<void>
}

type Query = Readonly<Record<string, string>>
type Answer = (query: Query) => unknown

/** @param address Of a gateway. */
export async function openDoor(
  api: ApiClient,
  address: string,
  proxyOf: (run: string) => MovingProxy | undefined,
): Promise<Door> {
  const answers = answersOf(api, address, proxyOf)
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://door')
    const answer = answers[pathname.slice(1)]
    Promise.resolve()
      .then(() =>
        answer === undefined
          ? Promise.reject(new Error('no such door'))
          : answer(Object.fromEntries(searchParams)),
      )
      .then((text) => response.writeHead(200).end(typeof text === 'string' ? text : ''))
      .catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answersOf(
  api: ApiClient,
  address: string,
  proxyOf: (run: string) => MovingProxy | undefined,
): Readonly<Record<string, Answer>> {
  return {
    token: ({ user = '', ttl }) => tokenFor(user, ttl === undefined ? undefined : Number(ttl)),
    publish: ({ channel = '', data = '', tags }) =>
      api.publish(channel, Buffer.from(data), tags ? { tags: tagsIn(tags) } : {}),
    'publish-bytes': ({ channel = '' }) => publishBytes(address, channel),
    subscribe: ({ user = '', channel = '' }) => api.subscribe(user, channel, {}),
    unsubscribe: ({ user = '', channel = '', code, reason = '' }) =>
      api.unsubscribe(user, channel, { code: Number(code), reason }),
    disconnect: ({ user = '', code, reason = '' }) => api.disconnect(user, { code: Number(code), reason }),
    leave: ({ run = '' }) => proxyOf(run)?.leave(),
    arrive: ({ run = '' }) => proxyOf(run)?.arrive(),
  }
}

/** Whoever publishes what is no JSON speaks Protobuf. */
async function publishBytes(address: string, channel: string): Promise<void> {
  const sdk = new Centrifuge(address, { websocket: WebSocket })
  sdk.connect()
  try {
    await sdk.publish(channel, Uint8Array.of(0, 0xff, 0xfe, 0x0a))
  } finally {
    sdk.disconnect()
  }
}

/** `a=1,b=2` */
const tagsIn = (text: string): Record<string, string> =>
  Object.fromEntries(text.split(',').map((one) => one.split('=') as [string, string]))

/** @param ttl Seconds from now, or behind us; none: it never expires. */
function tokenFor(user: string, ttl?: number): string {
  const exp = ttl === undefined ? {} : { exp: Date.now() / 1000 + ttl }
  const parts = [
    { alg: 'HS256', typ: 'JWT' },
    { sub: user, info: { of: user }, ...exp },
  ]
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
