import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** Stands between a node and its NATS, and keeps back the packets of the node that a test chooses. */
export class Relay {
  /** Answers true for a packet that shall not go on. */
  keepsBack: (packet: string) => boolean = () => false
  private readonly kept: (() => void)[] = []
  private onKept = (): void => {}

  private constructor(
    private readonly server: Server,
    private readonly sockets: Set<Socket>,
  ) {}

  static async to(port: number): Promise<Relay> {
    const sockets = new Set<Socket>()
    const server = createServer((node) => {
      const nats = connect(port, '127.0.0.1')
      for (const socket of [node, nats]) sockets.add(socket.on('error', () => {}))
      node.on('data', (packet) => relay.pass(packet, nats)).on('close', () => nats.destroy())
      nats.on('data', (packet) => node.write(packet)).on('close', () => node.destroy())
    })
    const relay = new Relay(server, sockets)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return relay
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** Resolves when the next packet is kept back. */
  keeping(): Promise<void> {
    return new Promise((resolve) => {
      this.onKept = resolve
    })
  }

  /** Lets go on what was kept back, and all from now on. */
  release(): void {
    this.keepsBack = () => false
    for (const send of this.kept.splice(0)) send()
  }

  close(): void {
    this.server.close()
    for (const socket of this.sockets) socket.destroy()
  }

  private pass(packet: Buffer, nats: Socket): void {
    if (!this.keepsBack(packet.toString('latin1'))) return void nats.write(packet)
    this.kept.push(() => nats.write(packet))
    this.onKept()
  }
}
