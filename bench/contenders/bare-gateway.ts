/**
 * The floor under a gateway: a bare uWebSockets.js server in front of a bare JetStream publisher, in one process. It reads the id and
 * the data of a frame by their places, checks nothing, and answers once per client and turn. What comes on the live subject goes to all.
 *
 * BG1. As lean as it gets with the two libraries: what it spends, no gateway on them can save.
 */
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { App, type TemplatedApp, type WebSocket } from 'uWebSockets.js'
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
  /** What all its clients get; absent = nothing. */
  live?: { subject: string; channel: string }
  port: number
}

type Live = NonNullable<BareGatewayWish['live']>

/** Calls back when the stream has acknowledged. */
type Publish = (body: Uint8Array, done: () => void) => void

const idAt = '{"id":'.length
const dataStart = Buffer.from('"data":')
const endBytes = 2 // }}
const everybody = 'all'

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

function listen(publish: Publish, port: number): Promise<TemplatedApp> {
  const answer = replier()
  const app = App()
  app.ws<Client>('/*', {
    idleTimeout: 0,
    sendPingsAutomatically: false,
    upgrade: (res, req, context) => {
      const key = req.getHeader('sec-websocket-key')
      res.upgrade<Client>({ replies: '' }, key, '', '', context)
    },
    open: (peer) => void peer.subscribe(everybody),
    message: (peer, message) => {
      const bytes = Buffer.from(message)
      const data = bytes.indexOf(dataStart)
      if (data < 0) return greetBack(peer, bytes.toString('latin1'), answer)
      const id = Number.parseInt(bytes.toString('latin1', idAt, idAt + 10), 10)
      // a copy: the driver writes later than the library lends the bytes
      const body = Buffer.from(bytes.subarray(data + dataStart.length, bytes.length - endBytes))
      publish(body, () => answer(peer, `{"id":${id},"publish":{}}`))
    },
  })
  return new Promise((resolve, reject) => {
    app.listen('127.0.0.1', port, (socket) =>
      socket === false ? reject(new Error(`port ${port} is taken`)) : resolve(app),
    )
  })
}

/** A client's first message has a command in each line. */
function greetBack(peer: Peer, text: string, answer: (peer: Peer, reply: string) => void): void {
  for (const line of text.split('\n'))
    answer(peer, `{"id":${Number.parseInt(line.slice(idAt), 10)},"connect":{}}`)
}

function handOn(nats: NatsConnection, { subject, channel }: Live, app: TemplatedApp): void {
  const [before, after] = [`{"push":{"channel":"${channel}","pub":{"data":`, '}}}']
  nats.subscribe(subject, {
    callback: (_error, message) => void app.publish(everybody, before + message.string() + after),
  })
}

serve({
  listen: async ({ url, subject, port, live }: BareGatewayWish): Promise<void> => {
    const nats = await connect({ servers: url })
    const app = await listen(publisher(nats, subject), port)
    if (live !== undefined) handOn(nats, live, app)
    await nats.flush()
  },
})
