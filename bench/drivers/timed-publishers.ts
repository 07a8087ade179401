/** WebSocket clients that publish on time, and how long after it was due each publication was acknowledged. At most 250 per process. */
import { connectionToken, inTurns, subscriber } from '../clients/dialects.js'
import type { RawSocket } from '../clients/raw-socket.js'
import { openLoop, type Lateness } from '../harness/open-loop.js'
import { nowUs, payload } from '../harness/payload.js'
import { serve } from '../harness/remote.js'
import { Histogram, type HistogramData } from '../harness/statistics.js'

export interface TimedWish {
  port: number
  clients: number
  /** Signs a token for each. */
  secret: string
}

export interface TimedLoad {
  /** Each client publishes into one of its own: this text and its number. */
  channel: string
  bytes: number
  perSecond: number
  count: number
}

export interface Acknowledged extends Lateness {
  done: number
  /** The first error that came in place of an acknowledgement. */
  firstError?: string
  /** Microseconds from due to acknowledged. */
  histogram: HistogramData
}

const sockets: RawSocket[] = []
let ids = 10

const publish = (socket: RawSocket, channel: string, data: string): number => {
  ids += 1
  socket.send(`{"id":${ids},"publish":{"channel":${JSON.stringify(channel)},"data":${data}}}`)
  return ids
}

/** Calls back with each reply's id, and with its text when it is an error. */
function listen(socket: RawSocket, onReply: (id: number, error?: string) => void): void {
  socket.onText = (text) => {
    for (const line of text.split('\n')) {
      if (line === '{}') socket.send('{}')
      const id = /^\{"id":(\d+)/.exec(line)?.[1]
      if (id !== undefined) onReply(Number(id), line.includes('"error"') ? line : undefined)
    }
  }
}

/** Publishes into the channel until it is acknowledged: who decides about it may not be there yet. */
function ready(channel: string): Promise<void> {
  const [socket] = sockets
  if (socket === undefined) throw new Error('connect first')
  return new Promise((resolve) => {
    const once = (): void => void publish(socket, channel, payload(0, nowUs(), 100))
    listen(socket, (_id, error) => {
      if (error === undefined) resolve()
      else setTimeout(once, 50)
    })
    once()
  })
}

/** Resolves when all was answered, or 5 s after the last was sent. */
async function paced({ channel, bytes, perSecond, count }: TimedLoad): Promise<Acknowledged> {
  const due = new Map<number, number>()
  const delays = new Histogram()
  let [answered, done] = [0, 0]
  let firstError: string | undefined
  let allAnswered = (): void => {}
  const all = new Promise<void>((resolve) => (allAnswered = resolve))
  const onReply = (id: number, error?: string): void => {
    const dueUs = due.get(id)
    if (dueUs === undefined || !due.delete(id)) return
    answered += 1
    if (error === undefined) {
      done += 1
      delays.record(nowUs() - dueUs)
    } else firstError ??= error
    if (answered === count) allAnswered()
  }
  for (const socket of sockets) listen(socket, onReply)
  const lateness = await openLoop({
    turns: count,
    perSecond,
    send: (turn, dueUs) => {
      const index = turn % sockets.length
      const socket = sockets[index]
      if (socket !== undefined)
        due.set(publish(socket, `${channel}${index}`, payload(turn, dueUs, bytes)), dueUs)
    },
  })
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 5_000))])
  const told = { done, histogram: delays.data(), ...lateness }
  return firstError === undefined ? told : { ...told, firstError }
}

serve({
  connect: ({ port, clients, secret }: TimedWish) =>
    inTurns(clients, 50, async (index) => {
      const token = connectionToken(`publisher-${index}`, secret)
      const socket = await subscriber({ dialect: 'natter', port, channels: [], token })
      socket.reader.readsAll = true
      sockets.push(socket)
    }),
  ready,
  paced,
})
