import type { Options } from 'centrifuge'
import { WebSocket } from 'ws'
import type { Client } from './client.js'
import type { Combination } from './combinations.js'
import { NodeEventSource } from './event-source.js'
import { openClient } from './open-client.js'
import type { Runner } from './register.js'
import type { Stage } from './stage.js'
import type { Law, World } from './world.js'

const inNode: Partial<Options> = { websocket: WebSocket, eventsource: NodeEventSource }

let names = 0

async function runInNode(law: Law, combination: Combination, stage: Stage): Promise<void> {
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
  try {
    await law.run(world)
  } finally {
    for (const client of clients) client.end()
    await way.close()
  }
}

export const startInNode = (): Promise<Runner> =>
  Promise.resolve({ run: runInNode, stop: () => Promise.resolve() })
