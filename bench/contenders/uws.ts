/** A bare uWebSockets.js server: native topics and a publish loop, nothing else. */
import { App } from 'uWebSockets.js'
import { openLoop } from '../harness/open-loop.js'
import { payload } from '../harness/payload.js'
import { serve } from '../harness/remote.js'
import { burst, type PublishLoad } from './loads.js'

const app = App().ws('/*', {
  idleTimeout: 0,
  sendPingsAutomatically: false,
  maxBackpressure: 1_048_576,
  message: (socket, message) => {
    const channels = JSON.parse(Buffer.from(message).toString()) as string[]
    for (const channel of channels) socket.subscribe(channel)
    socket.send('ready')
  },
})

serve({
  listen: (port: number) =>
    new Promise<void>((resolve, reject) => {
      app.listen('127.0.0.1', port, (token) =>
        token === false ? reject(new Error(`port ${port} is taken`)) : resolve(),
      )
    }),
  publish: (load: PublishLoad) => {
    const send = burst(load, (channel, n, dueUs) => {
      const text = payload(n, dueUs, load.bytes)
      if (load.isBinary === true) app.publish(channel, Buffer.from(text), true)
      else app.publish(channel, text)
    })
    return openLoop({ ...load, send })
  },
})
