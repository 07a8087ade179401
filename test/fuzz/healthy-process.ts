/**
 * A process whose clients behave: each asks and publishes steadily, and how long the answers take is kept. From when they were due.
 *
 * They subscribe to nothing: what a gateway keeps of a channel for them would count as what the input has left behind.
 */
import { inTurns, subscriber } from '../../bench/clients/dialects.js'
import type { RawSocket } from '../../bench/clients/raw-socket.js'
import { serve } from '../../bench/harness/remote.js'
import { Histogram, type HistogramData } from '../../bench/harness/statistics.js'
import { steadily } from '../deploy/steadily.js'

export interface HealthyWish {
  port: number
  clients: number
  /** Round trips of all of them together: half of them stored publications, half questions. */
  perSecond: number
}

export interface HealthySeen {
  /** Microseconds. */
  roundTrips: HistogramData
  /** How late they were sent, which is the machine's doing: microseconds. */
  late: HistogramData
  sent: number
  /** What went wrong with any of them, at most ten. */
  faults: string[]
}

interface Client {
  socket: RawSocket
  waiting: Map<number, number>
}

const clients: Client[] = []
const faults: string[] = []
let roundTrips = new Histogram()
let late = new Histogram()
let sent = 0
let ids = 100
let isPaused = false

const fault = (text: string): void => void (faults.length < 10 && faults.push(text))

function listen(client: Client): void {
  const { socket, waiting } = client
  socket.reader.readsAll = true
  socket.onClose = (why) => fault(`closed: ${why}`)
  socket.onText = (text) => {
    for (const line of text.split('\n')) {
      if (line === '{}') socket.send('{}')
      const id = Number(/^\{"id":(\d+)/.exec(line)?.[1] ?? 0)
      const due = waiting.get(id)
      if (due === undefined) continue
      waiting.delete(id)
      roundTrips.record((performance.now() - due) * 1_000)
      if (line.includes('"error"')) fault(line)
    }
  }
}

async function connect({ port, clients: count, perSecond }: HealthyWish): Promise<void> {
  await inTurns(count, 10, async (index) => {
    const client = {
      socket: await subscriber({ dialect: 'natter', port, channels: [] }),
      waiting: new Map<number, number>(),
    }
    clients[index] = client
    listen(client)
  })
  const startMs = performance.now()
  steadily(perSecond, (turn) => {
    if (isPaused) return
    const { socket, waiting } = clients[turn % clients.length] as Client
    const id = (ids += 1)
    const channel = `healthy:${turn % 4}`
    sent += 1
    const dueMs = startMs + (turn * 1_000) / perSecond
    waiting.set(id, dueMs)
    late.record((performance.now() - dueMs) * 1_000)
    const asked =
      turn % 2 === 0 ? { publish: { channel, data: { turn } } } : { history: { channel, limit: 1 } }
    socket.send(JSON.stringify({ id, ...asked }))
  })
}

serve({
  connect,
  /** From now on. */
  reset: () => {
    roundTrips = new Histogram()
    late = new Histogram()
    sent = 0
  },
  /** Whoever still waits has waited since it was due. */
  seen: (): HealthySeen => {
    const nowMs = performance.now()
    for (const { waiting } of clients)
      for (const due of waiting.values()) if (nowMs - due > 1_000) roundTrips.record((nowMs - due) * 1_000)
    return { roundTrips: roundTrips.data(), late: late.data(), sent, faults }
  },
  pause: () => void (isPaused = true),
  resume: () => void (isPaused = false),
})
