/** Clients that are connected, and ping: how long a pong takes tells how long their gateway lets anybody wait. */
import { connectionToken, inTurns, subscriber } from '../clients/dialects.js'
import type { RawSocket } from '../clients/raw-socket.js'
import { openLoop, type Lateness } from '../harness/open-loop.js'
import { nowUs } from '../harness/payload.js'
import { serve } from '../harness/remote.js'
import { Histogram, type HistogramData } from '../harness/statistics.js'

export interface PingersWish {
  port: number
  clients: number
  channel: string
  secret: string
}

export interface Pings {
  perSecond: number
  count: number
}

export interface Ponged extends Lateness {
  done: number
  closed: number
  /** Microseconds from due to the pong. */
  histogram: HistogramData
}

const sockets: RawSocket[] = []
let closed = 0

/** Pongs come in the order of the pings. */
async function ping({ perSecond, count }: Pings): Promise<Ponged> {
  const delays = new Histogram()
  const due = new Map<RawSocket, number[]>()
  for (const socket of sockets) {
    const waiting: number[] = []
    due.set(socket, waiting)
    socket.onPong = () => {
      const dueUs = waiting.shift()
      if (dueUs !== undefined) delays.record(nowUs() - dueUs)
    }
  }
  const lateness = await openLoop({
    turns: count,
    perSecond,
    send: (turn, dueUs) => {
      const socket = sockets[turn % sockets.length]
      if (socket === undefined) return
      due.get(socket)?.push(dueUs)
      socket.ping()
    },
  })
  for (let waits = 0; waits < 200 && delays.count < count; waits += 1)
    await new Promise((resolve) => setTimeout(resolve, 10))
  return { done: delays.count, closed, histogram: delays.data(), ...lateness }
}

serve({
  connect: ({ port, clients, channel, secret }: PingersWish) =>
    inTurns(clients, 20, async (index) => {
      const token = connectionToken(`pinger-${index}`, secret)
      const socket = await subscriber({ dialect: 'natter', port, channels: [channel], token })
      socket.onClose = () => (closed += 1)
      sockets.push(socket)
    }),
  ping,
})
