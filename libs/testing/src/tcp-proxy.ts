/**
 * A TCP proxy that a test puts between two parties to make the network bad.
 *
 * P1. Bytes keep their order in each direction, delayed or not.
 * P2. `pause` loses nothing: what was sent meanwhile arrives after `resume`.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export interface TcpProxyTarget {
  host?: string
  port: number
}

export class TcpProxy {
  /** What the proxy does to the next chunk; set at will. */
  delayMs = 0
  private readonly pairs = new Set<readonly [Socket, Socket]>()
  private isPaused = false
  private isRefusing = false

  /** @param target a function is asked for each new connection. */
  static async start(target: TcpProxyTarget | (() => TcpProxyTarget), port = 0): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
    const proxy = new TcpProxy(server, target)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    return proxy
  }

  private constructor(
    private readonly server: Server,
    private readonly target: TcpProxyTarget | (() => TcpProxyTarget),
  ) {
    server.on('connection', (client) => this.accept(client))
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get connections(): number {
    return this.pairs.size
  }

  /** Nothing moves in either direction, nobody is told. */
  pause(): void {
    this.isPaused = true
    for (const pair of this.pairs) for (const socket of pair) socket.pause()
  }

  resume(): void {
    this.isPaused = false
    for (const pair of this.pairs) for (const socket of pair) socket.resume()
  }

  /** Resets every connection; new ones are still taken. */
  cut(): void {
    for (const pair of this.pairs) for (const socket of pair) reset(socket)
  }

  /** New connections are reset at once, open ones stay. */
  refuse(isRefusing = true): void {
    this.isRefusing = isRefusing
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve))
    this.cut()
    await closed
  }

  private accept(client: Socket): void {
    if (this.isRefusing) return void client.resetAndDestroy()
    const { host = '127.0.0.1', port } = typeof this.target === 'function' ? this.target() : this.target
    const upstream = connect({ host, port, allowHalfOpen: true })
    const pair = [client, upstream] as const
    this.pairs.add(pair)
    this.forward(client, upstream)
    this.forward(upstream, client)
    const gone = (): void => {
      this.pairs.delete(pair)
      for (const socket of pair) if (!socket.destroyed) reset(socket)
    }
    for (const socket of pair) socket.on('error', () => {}).on('close', gone)
    if (this.isPaused) for (const socket of pair) socket.pause()
    else client.resume()
  }

  private forward(from: Socket, to: Socket): void {
    let earlier: Promise<unknown> = Promise.resolve()
    const inOrder = (act: () => void): void => {
      const { delayMs } = this
      const due = delayMs === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, delayMs))
      earlier = earlier.then(() => due).then(act) // P1
    }
    from.on('data', (chunk: Buffer) => {
      inOrder(() => {
        if (to.writable && !to.write(chunk)) this.holdUntilDrained(from, to)
      })
    })
    from.on('end', () => inOrder(() => to.end()))
  }

  private holdUntilDrained(from: Socket, to: Socket): void {
    from.pause()
    to.once('drain', () => {
      if (!this.isPaused) from.resume()
    })
  }
}

/** Node can't reset what is just sending its end: it says EINVAL, and keeps the handle for ever. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
