/**
 * A Service: one address, and behind it whichever pods the proxy knows of.
 *
 * V1. A connection goes to one of them by chance, and stays with it whatever becomes of the pod's readiness.
 * V2. What the proxy knows is old: a change reaches it `propagationMs` after it was made, and changes keep their order.
 * V3. A pod that doesn't listen refuses, and so does a Service without pods: the client is reset, and nobody tries elsewhere for it.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Tell } from './events.js'

export interface Endpoint {
  pod: string
  address: string
  /** By the Service's port. */
  ports: ReadonlyMap<number, number>
}

export interface ServiceProxy {
  readonly address: string
  /** What is true now; the proxy goes by it later (V2). */
  change(endpoints: readonly Endpoint[]): void
  stop(): Promise<void>
}

export interface ServiceWish {
  name: string
  address: string
  ports: readonly number[]
  propagationMs: number
  tell: Tell
}

/** Resolves when it listens on all its ports. */
export async function startServiceProxy({
  name,
  address,
  ports,
  propagationMs,
  tell,
}: ServiceWish): Promise<ServiceProxy> {
  let known: readonly Endpoint[] = []
  let told = ''
  const timers = new Set<NodeJS.Timeout>()
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  }
  const serve = (port: number): Server =>
    createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      keep(client)
      const endpoint = known[Math.floor(Math.random() * known.length)] // V1
      const upstream = endpoint && forward(client, endpoint.address, endpoint.ports.get(port) ?? port)
      if (upstream === undefined) {
        tell({ kind: 'connect', service: name, outcome: 'nobody' })
        return void client.on('error', () => {}).resetAndDestroy() // V3
      }
      keep(upstream)
      let isConnected = false
      const pod = endpoint?.pod ?? ''
      upstream.once('connect', () => {
        isConnected = true
        tell({ kind: 'connect', service: name, outcome: 'connected', pod })
      })
      upstream.once('error', () => {
        if (!isConnected) tell({ kind: 'connect', service: name, outcome: 'refused', pod })
      })
    })
  const servers = await Promise.all(ports.map((port) => listening(serve(port), address, port)))
  return {
    address,
    change(endpoints) {
      const all = endpoints.map(({ pod }) => pod).toSorted()
      if (all.join(' ') === told) return
      told = all.join(' ')
      const timer = setTimeout(() => {
        timers.delete(timer)
        known = endpoints // V2
        tell({ kind: 'endpoints', service: name, pods: all })
      }, propagationMs)
      timers.add(timer)
    },
    async stop() {
      for (const timer of timers) clearTimeout(timer)
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)))
      for (const socket of sockets) socket.destroy()
      await Promise.all(closed)
    },
  }
}

function listening(server: Server, address: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => resolve(server))
  })
}

/** Both ends live and die together; a half that ends is passed on. */
function forward(client: Socket, host: string, port: number): Socket {
  const upstream = connect({ host, port, allowHalfOpen: true })
  const pair = [client, upstream] as const
  const gone = (): void => {
    for (const socket of pair) if (!socket.destroyed) socket.resetAndDestroy()
  }
  for (const socket of pair)
    socket
      .setNoDelay(true)
      .on('error', () => {})
      .on('close', gone)
  client.pipe(upstream)
  upstream.pipe(client)
  return upstream
}
