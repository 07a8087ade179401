/// <reference lib="dom" />
/** What runs in the page: the laws and the SDK, as a bundler gives them to browsers. The server's side of a law is in Node. */
import type { Client } from '../client.js'
import type { Combination } from '../combinations.js'
import { chapters } from '../laws/index.js'
import { openClient } from '../open-client.js'
import type { Server, World } from '../world.js'

export interface PageOrder {
  readonly title: string
  readonly combination: Combination
  readonly address: string
  readonly gateways: number
  /** Its number: names are unique by it, and the server's side is found by it. */
  readonly run: number
}

declare global {
  interface Window {
    runLaw(order: PageOrder): Promise<void>
    serverDoes(run: number, method: string, given: readonly unknown[]): Promise<unknown>
  }
}

const serverOf = (run: number): Server =>
  new Proxy({} as Server, {
    get:
      (_, method) =>
      (...given: unknown[]) =>
        window.serverDoes(run, String(method), given),
  })

window.runLaw = async ({ title, combination, address, gateways, run }) => {
  const law = chapters.flatMap(({ laws }) => laws).find((one) => one.title === title)
  if (law === undefined) throw new Error(`the page has no such law: ${title}`)
  const clients: Client[] = []
  let names = 0
  const next = (): string => `p${run}-${(names += 1)}`
  const world: World = {
    ...combination,
    server: serverOf(run),
    gateways,
    client(options = {}, as = combination) {
      const client = openClient(as, address, options, {})
      clients.push(client)
      return client
    },
    channel: (namespace, name = '') => `${namespace}:${name}${next()}`,
    user: () => `user-${next()}`,
  }
  try {
    await law.run(world)
  } finally {
    for (const client of clients) client.end()
  }
}
