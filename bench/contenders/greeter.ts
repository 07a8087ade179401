/**
 * The floor under connecting: a bare uWebSockets.js server that takes a socket, puts it into a topic and answers its two commands, in the
 * bytes that the drivers wait for. It reads nothing and checks nothing.
 */
import { App } from 'uWebSockets.js'
import { serve } from '../harness/remote.js'

/** As long as a gateway's answers are, without what it knows. */
const json =
  `{"id":1,"connect":{"client":"00000000-0000-0000-0000-000000000000","version":"0","ping":25,"pong":true}}\n` +
  `{"id":2,"subscribe":{}}`
/** Two replies behind their lengths: an id each. */
const protobuf = Buffer.from([2, 0x08, 1, 2, 0x08, 2])

const app = App().ws('/*', {
  idleTimeout: 0,
  sendPingsAutomatically: false,
  maxBackpressure: 1_048_576,
  message: (socket, _message, isBinary) => {
    socket.subscribe('topic')
    socket.send(isBinary ? protobuf : json, isBinary)
  },
})

serve({
  listen: (port: number) =>
    new Promise<void>((resolve, reject) => {
      app.listen('127.0.0.1', port, (token) =>
        token === false ? reject(new Error(`port ${port} is taken`)) : resolve(),
      )
    }),
})
