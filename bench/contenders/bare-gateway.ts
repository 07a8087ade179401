/**
 * The floor under a gateway's durable publish: a bare uWebSockets.js server in front of a bare JetStream publisher, in one process.
 * It reads the id and the data of a frame by their places, checks nothing, and answers once per client and turn.
 *
 * BG1. As lean as it gets with the two libraries: what it spends, no gateway on them can save.
 */
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { App, type WebSocket } from 'uWebSockets.js'
import { serve } from '../harness/remote.js'

interface Client {
  /** Of this turn, a line each. */
  replies: string
}

type Peer = WebSocket<Client>

export interface BareGatewayWish {
  url: string
  /** Where everything is published. */
  subject: string
  port: number
}

/** Calls back when the stream has acknowledged. */
type Publish = (body: Uint8Array, done: () => void) => void

const idAt = '{"id":'.length
const dataStart = Buffer.from('"data":')
const endBytes = 2 // }}

/** As in `broker-publisher.ts`. */
function publisher(nats: NatsConnection, subject: string): Publish {
  const inbox = `_INBOX_bench.${process.pid}.`
  const waiting = new Map<number, () => void>()
  nats.subscribe(`${inbox}*`, {
    callback: (_error, message) => {
      const id = Number(message.subject.slice(inbox.length))
      const ack = JSON.parse(message.string()) as { seq?: number }
      if (ack.seq === undefined) throw new Error(message.string())
      waiting.get(id)?.()
      waiting.delete(id)
    },
  })
  let ids = 0
  const unsent: [body: Uint8Array, done: () => void][] = []
  // in one go: the driver writes in a microtask, and each message from uWebSockets.js is followed by microtasks
  const flush = (): void => {
    for (const [body, done] of unsent.splice(0)) {
      ids += 1
      waiting.set(ids, done)
      nats.publish(subject, body, { reply: inbox + ids })
    }
  }
  return (body, done) => {
    if (unsent.length === 0) setImmediate(flush)
    unsent.push([body, done])
  }
}

/** Answers, by the end of the turn, all that a client is owed. */
function replier(): (peer: Peer, reply: string) => void {
  let owed: Peer[] = []
  const flush = (): void => {
    const all = owed
    owed = []
    for (const peer of all) {
      const client = peer.getUserData()
      peer.send(client.replies)
      client.replies = ''
    }
  }
  return (peer, reply) => {
    const client = peer.getUserData()
    if (owed.length === 0) setImmediate(flush)
    if (client.replies === '') owed.push(peer)
    client.replies = client.replies === '' ? reply : `${client.replies}\n${reply}`
  }
}

function listen(publish: Publish, port: number): Promise<void> {
  const answer = replier()
  const app = App().ws<Client>('/*', {
    idleTimeout: 0,
    sendPingsAutomatically: false,
    upgrade: (res, req, context) => {
      const key = req.getHeader('sec-websocket-key')
      res.upgrade<Client>({ replies: '' }, key, '', '', context)
    },
    message: (peer, message) => {
      const bytes = Buffer.from(message)
      const id = Number.parseInt(bytes.toString('latin1', idAt, idAt + 10), 10)
      const data = bytes.indexOf(dataStart)
      if (data < 0) return answer(peer, `{"id":${id},"connect":{}}`)
      // a copy: the driver writes later than the library lends the bytes
      const body = Buffer.from(bytes.subarray(data + dataStart.length, bytes.length - endBytes))
      publish(body, () => answer(peer, `{"id":${id},"publish":{}}`))
    },
  })
  return new Promise((resolve, reject) => {
    app.listen('127.0.0.1', port, (socket) =>
      socket === false ? reject(new Error(`port ${port} is taken`)) : resolve(),
    )
  })
}

serve({
  listen: async ({ url, subject, port }: BareGatewayWish): Promise<void> =>
    listen(publisher(await connect({ servers: url }), subject), port),
})
