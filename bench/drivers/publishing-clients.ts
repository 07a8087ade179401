/** WebSocket clients that publish and await each acknowledgement, each with some in flight. At most 250 per process. */
import { answerPings, connectionToken, inTurns, subscriber, type Dialect } from '../clients/dialects.js'
import type { RawSocket } from '../clients/raw-socket.js'
import { nowUs, payload } from '../harness/payload.js'
import { serve } from '../harness/remote.js'
import { openLoop, type Lateness } from '../harness/open-loop.js'

export interface PublishersWish {
  dialect: Words
  port: number
  clients: number
  /** Signs a token for each; Natter only. */
  secret: string
}

/** Whose clients can publish. */
type Words = Exclude<Dialect, 'plain' | 'natter-protobuf'>

export interface ClosedLoop {
  channels: readonly string[]
  bytes: number
  /** Of each client. */
  inFlight: number
  /** Of all clients. */
  count: number
}

export interface PacedLoad {
  channel: string
  bytes: number
  perSecond: number
  count: number
}

/** How each publishes and is told that it has; throws at an error. */
const wordings = {
  natter: {
    publish: (id: number, channel: string, data: string) =>
      `{"id":${id},"publish":{"channel":${JSON.stringify(channel)},"data":${data}}}`,
    acknowledged: (text: string) => {
      if (text.includes('"error"')) throw new Error(text.slice(0, 300))
      return text.split('"publish":{}').length - 1
    },
  },
  'socket.io': {
    publish: (id: number, channel: string, data: string) =>
      `42${id}["publish",${JSON.stringify(channel)},${data}]`,
    acknowledged: (text: string) => (text.startsWith('43') ? 1 : 0),
  },
}

let sockets: RawSocket[] = []
let dialect: Words = 'natter'
let ids = 10

const command = (channel: string, data: string): string => {
  ids += 1
  return wordings[dialect].publish(ids, channel, data)
}

/** Answers pings and counts acknowledgements. */
function listen(socket: RawSocket, onReplies: (count: number) => void): void {
  const answer = answerPings(dialect, socket)
  socket.onText = (text) => {
    answer(text)
    const replies = wordings[dialect].acknowledged(text)
    if (replies > 0) onReplies(replies)
  }
}

/** Sends from each client as its acknowledgements come. Resolves with how many were acknowledged, and the time it took. */
function closedLoop({
  channels,
  bytes,
  inFlight,
  count,
}: ClosedLoop): Promise<{ done: number; tookMs: number }> {
  const startedAt = performance.now()
  let [sent, done] = [0, 0]
  return new Promise((resolve, reject) => {
    const publish = (socket: RawSocket, index: number, room: number): void => {
      for (let free = room; free > 0 && sent < count; free -= 1) {
        socket.send(command(channels[index % channels.length] ?? '', payload(sent, nowUs(), bytes)))
        sent += 1
      }
    }
    for (const [index, socket] of sockets.entries()) {
      socket.onClose = (why) => reject(new Error(`a client was closed: ${why}`))
      listen(socket, (replies) => {
        done += replies
        if (done === count) resolve({ done, tookMs: performance.now() - startedAt })
        else publish(socket, index, replies)
      })
    }
    for (const [index, socket] of sockets.entries()) publish(socket, index, inFlight)
  })
}

/** Sends on time, from the clients in turn. Resolves when all was acknowledged, or 3 s after the last was sent. */
async function paced({ channel, bytes, perSecond, count }: PacedLoad): Promise<{ done: number } & Lateness> {
  let done = 0
  let allDone = (): void => {}
  const all = new Promise<void>((resolve) => (allDone = resolve))
  for (const socket of sockets)
    listen(socket, (replies) => {
      done += replies
      if (done === count) allDone()
    })
  const lateness = await openLoop({
    turns: count,
    perSecond,
    send: (turn, dueUs) => {
      sockets[turn % sockets.length]?.send(command(channel, payload(turn, dueUs, bytes)))
    },
  })
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 3_000))])
  return { done, ...lateness }
}

serve({
  connect: (wish: PublishersWish) => {
    dialect = wish.dialect
    return inTurns(wish.clients, 50, async (index) => {
      const token = connectionToken(`publisher-${index}`, wish.secret)
      const socket = await subscriber({ dialect, port: wish.port, channels: [], token })
      socket.reader.readsAll = true
      sockets = [...sockets, socket]
    })
  },
  closedLoop,
  paced,
})
