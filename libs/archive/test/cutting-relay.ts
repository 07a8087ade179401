import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface CuttingRelay {
  port: number
  close(): Promise<void>
}

/** Hands bytes on to a port and resets the connection at an exact point: after so many bytes of one direction. */
export async function startCuttingRelay(
  target: number,
  cut: { of: 'client' | 'server'; afterBytes: number },
): Promise<CuttingRelay> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    const pair = [client, upstream] as const
    const end = (): void => pair.forEach((socket) => socket.destroy())
    for (const socket of pair) sockets.add(socket.on('error', () => {}).on('close', end))
    forward(client, upstream, cut.of === 'client' ? cut.afterBytes : Infinity, end)
    forward(upstream, client, cut.of === 'server' ? cut.afterBytes : Infinity, end)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function forward(from: Socket, to: Socket, limit: number, end: () => void): void {
  let left = limit
  from.on('data', (chunk: Buffer) => {
    if (left <= 0) return
    to.write(chunk.subarray(0, Math.min(left, chunk.length)))
    left -= chunk.length
    // what was sent before the cut arrives: the last statement may well be carried out
    if (left <= 0) setImmediate(end)
  })
}
