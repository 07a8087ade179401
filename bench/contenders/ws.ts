/** The `ws` package: a set of sockets per channel and a loop over it. */
import { WebSocketServer, type WebSocket } from 'ws'
import { openLoop } from '../harness/open-loop.js'
import { payload } from '../harness/payload.js'
import { serve } from '../harness/remote.js'
import { burst, type PublishLoad } from './loads.js'

const members = new Map<string, Set<WebSocket>>()

function join(socket: WebSocket, channel: string): void {
  const set = members.get(channel) ?? new Set()
  members.set(channel, set.add(socket))
}

serve({
  listen: (port: number) =>
    new Promise<void>((resolve, reject) => {
      const server = new WebSocketServer({ host: '127.0.0.1', port, perMessageDeflate: false }, resolve)
      server.once('error', reject)
      server.on('connection', (socket) => {
        socket.once('message', (message: Buffer) => {
          for (const channel of JSON.parse(message.toString()) as string[]) join(socket, channel)
          socket.send('ready')
        })
      })
    }),
  publish: (load: PublishLoad) => {
    const send = burst(load, (channel, n, dueUs) => {
      const text = Buffer.from(payload(n, dueUs, load.bytes))
      for (const socket of members.get(channel) ?? []) socket.send(text, { binary: false })
    })
    return openLoop({ ...load, send })
  },
})
