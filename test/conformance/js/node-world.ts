import type { Options } from 'centrifuge'
import { WebSocket } from 'ws'
import type { Client } from './client.js'
import type { Combination } from './combinations.js'
import { NodeEventSource } from './event-source.js'
import { openClient } from './open-client.js'
import type { Runner } from './register.js'
import type { Stage } from './stage.js'
import type { Law, World } from './world.js'

/** The SDK doesn't read what refuses a command, and until that is collected Node's fetch keeps the connection: a leak to the tests. */
const fetchAndDrop: typeof fetch = async (...given) => {
  const response = await fetch(...given)
  if (!response.ok) await response.body?.cancel()
  return response
}

const inNode: Partial<Options> = { websocket: WebSocket, eventsource: NodeEventSource, fetch: fetchAndDrop }

let names = 0

export interface OpenWorld {
  readonly world: World
  /** Ends its clients and its way. */
  close(): Promise<void>
}

export async function openWorld(combination: Combination, stage: Stage): Promise<OpenWorld> {
  const way = await stage.openWay()
  const clients: Client[] = []
  const next = (): string => `n${(names += 1)}`
  const world: World = {
    ...combination,
    server: way.server,
    gateways: stage.gateways,
    client(options = {}, as = combination) {
      const client = openClient(as, way.address, options, inNode)
      clients.push(client)
      return client
    },
    channel: (namespace, name = '') => `${namespace}:${name}${next()}`,
    user: () => `user-${next()}`,
  }
  return {
    world,
    close: async () => {
      for (const client of clients) client.end()
      await way.close()
    },
  }
}

async function runInNode(law: Law, combination: Combination, stage: Stage): Promise<void> {
  const { world, close } = await openWorld(combination, stage)
  try {
    await law.run(world)
  } finally {
    await close()
  }
}

/** Node sends no Origin, so nobody is a stranger. */
export const isForNode = ({ isForeign }: Law): boolean => isForeign !== true

export const startInNode = (): Promise<Runner> =>
  Promise.resolve({ run: runInNode, stop: () => Promise.resolve() })
