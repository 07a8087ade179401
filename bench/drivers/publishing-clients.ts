/** WebSocket clients that publish and await each acknowledgement, each with some in flight. At most 250 per process. */
import { connectionToken, inTurns, subscriber } from '../clients/dialects.js'
import type { RawSocket } from '../clients/raw-socket.js'
import { nowUs, payload } from '../harness/payload.js'
import { serve } from '../harness/remote.js'
import { openLoop } from '../harness/open-loop.js'

export interface PublishersWish {
  port: number
  clients: number
  secret: string
}

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

let sockets: RawSocket[] = []
let ids = 10

const command = (channel: string, data: string): string => {
  ids += 1
  return `{"id":${ids},"publish":{"channel":${JSON.stringify(channel)},"data":${data}}}`
}

/** Replies in a frame; throws at one that is an error. */
function acknowledged(text: string): number {
  if (text.includes('"error"')) throw new Error(text.slice(0, 300))
  return text.split('"publish":{}').length - 1
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
      socket.onText = (text) => {
        if (text === '{}') return socket.send('{}')
        try {
          const replies = acknowledged(text)
          done += replies
          publish(socket, index, replies)
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
        if (done === count) resolve({ done, tookMs: performance.now() - startedAt })
      }
    }
    for (const [index, socket] of sockets.entries()) publish(socket, index, inFlight)
  })
}

/** Sends on time, from the clients in turn. Resolves when all was acknowledged, or 3 s after the last was sent. */
async function paced({
  channel,
  bytes,
  perSecond,
  count,
}: PacedLoad): Promise<{ done: number; latestUs: number }> {
  let done = 0
  let allDone = (): void => {}
  const all = new Promise<void>((resolve) => (allDone = resolve))
  for (const socket of sockets) {
    socket.onText = (text) => {
      if (text === '{}') return socket.send('{}')
      done += acknowledged(text)
      if (done === count) allDone()
    }
  }
  const { latestUs } = await openLoop({
    turns: count,
    perSecond,
    send: (turn, dueUs) => {
      sockets[turn % sockets.length]?.send(command(channel, payload(turn, dueUs, bytes)))
    },
  })
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 3_000))])
  return { done, latestUs }
}

serve({
  connect: ({ port, clients, secret }: PublishersWish) =>
    inTurns(clients, 50, async (index) => {
      const token = connectionToken(`publisher-${index}`, secret)
      const socket = await subscriber({ dialect: 'natter', port, channels: [], token })
      socket.reader.readsAll = true
      sockets = [...sockets, socket]
    }),
  closedLoop,
  paced,
})
