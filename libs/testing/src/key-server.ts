import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server that publishes keys (a JSON web key set), or misbehaves. */
export interface KeyServer {
  readonly url: string
  /** How often it was asked. */
  readonly requests: number
  /** From now on it answers these. */
  publish(...keys: object[]): void
  /** From now on it does this, which may be nothing at all. */
  misbehave(how: (response: ServerResponse) => void): void
  /** Resolves when it has been asked so often. */
  asked(times: number): Promise<void>
  stop(): Promise<void>
}

export async function startKeyServer(...keys: object[]): Promise<KeyServer> {
  let requests = 0
  const waiting = new Set<() => void>()
  const publishing =
    (published: readonly object[]) =>
    (response: ServerResponse): void => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: published }))
    }
  let answer = publishing(keys)
  const server = createServer((_request, response) => {
    requests += 1
    for (const look of waiting) look()
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/keys`,
    get requests() {
      return requests
    },
    publish(...next) {
      answer = publishing(next)
    },
    misbehave(how) {
      answer = how
    },
    asked: (times) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (requests < times) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
