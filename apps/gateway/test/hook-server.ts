/** A backend that answers hooks over HTTP, as people write one: `node:http`, one address for each hook. Or one that misbehaves. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { HttpHook, HttpHookKind, HttpHooksTable } from '../src/http-hooks/http-hook.js'
import type { Incoming } from './harness.js'

/** What it does with one request: answers this JSON, or does something to the response itself. */
export type HookAnswer = object | ((response: ServerResponse, request: Incoming) => unknown)

export interface HookServer {
  readonly url: string
  /** What was asked: the path's last part, the JSON, the headers. */
  readonly asked: { path: string; request: Incoming; headers: IncomingHttpHeaders }[]
  /** By the path's last part. */
  readonly answers: Record<string, HookAnswer>
  /** Connections that were ever made to it. */
  readonly connections: number
  /** Resolves when the path was asked so often. */
  untilAsked(path: string, times?: number): Promise<Incoming>
  /** The hooks that it answers; `at` the path (default: the kind), of `namespaces` of channels or methods. */
  hook(kind: HttpHookKind, options?: Partial<HttpHook>): HttpHook
  stop(): Promise<void>
}

export async function startHookServer(answers: Record<string, HookAnswer> = {}): Promise<HookServer> {
  const asked: HookServer['asked'] = []
  const looking = new Set<() => void>()
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const path = incoming.url?.split('?')[0]?.split('/').at(-1) ?? ''
      const request = JSON.parse(Buffer.concat(chunks).toString()) as Incoming
      asked.push({ path, request, headers: incoming.headers })
      for (const look of looking) look()
      const answer = answers[path] ?? { error: { code: 404, message: `nothing answers ${path}` } }
      if (typeof answer === 'function') answer(response, request)
      else response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    })
  })
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    asked,
    answers,
    get connections() {
      return connections
    },
    untilAsked(path, times = 1) {
      return new Promise((resolve) => {
        const look = (): void => {
          const found = asked.filter((one) => one.path === path)[times - 1]
          if (found === undefined) return
          looking.delete(look)
          resolve(found.request)
        }
        looking.add(look)
        look()
      })
    },
    hook: (kind, options = {}) => ({
      kind,
      name: 'default',
      endpoint: new URL(`${url}/natter/${kind}`),
      timeoutMs: 1_000,
      realHeaders: [],
      saidHeaders: [],
      staticHeaders: {},
      includesMeta: false,
      isBinary: false,
      byStatus: new Map(),
      ...options,
    }),
    stop() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** @param channels By `<kind> <namespace>`. @param rpc By namespace of the method. */
export const tableOf = ({
  connect,
  refresh,
  channels = {},
  rpc = {},
}: {
  connect?: HttpHook
  refresh?: HttpHook
  channels?: Record<string, HttpHook>
  rpc?: Record<string, HttpHook>
}): HttpHooksTable => ({
  ...(connect === undefined ? {} : { connect }),
  ...(refresh === undefined ? {} : { refresh }),
  channels: new Map(Object.entries(channels)),
  rpc: new Map(Object.entries(rpc)),
})
