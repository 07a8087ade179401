/** A Socket.IO node with its Redis adapter. The node that publishes is another one: what it emits comes through Redis. */
import { createAdapter } from '@socket.io/redis-adapter'
import { createClient } from 'redis'
import { Server } from 'socket.io'
import { openLoop } from '../harness/open-loop.js'
import { payload } from '../harness/payload.js'
import { serve } from '../harness/remote.js'
import { burst, type PublishLoad } from './loads.js'

const io = new Server({ serveClient: false, transports: ['websocket'], perMessageDeflate: false })

io.on('connection', (socket) => {
  socket.on('join', (channels: string[]) => {
    void Promise.resolve(socket.join(channels)).then(() => socket.emit('ready'))
  })
  socket.on('publish', (channel: string, data: unknown, done: () => void) => {
    io.to(channel).emit('m', data)
    done()
  })
})

serve({
  listen: async ({ port, redis }: { port: number; redis: number }) => {
    const publisher = createClient({ url: `redis://127.0.0.1:${redis}` })
    const subscriber = publisher.duplicate()
    await Promise.all([publisher.connect(), subscriber.connect()])
    io.adapter(createAdapter(publisher, subscriber))
    io.listen(port)
  },
  publish: (load: PublishLoad) => {
    const send = burst(load, (channel, n, dueUs) =>
      io.to(channel).emit('m', JSON.parse(payload(n, dueUs, load.bytes))),
    )
    return openLoop({ ...load, send })
  },
})
