/**
 * A crowd that connects at its own pace, whatever becomes of it: so many begin per second, let in or not.
 *
 * SO1. Whoever is let in subscribes, and goes when enough others are in.
 * SO2. An answer is both commands answered, or a 503 that says when to come back; anything else is none.
 */
import { connectionToken, subscriber, type Dialect } from '../clients/dialects.js'
import type { RawSocket } from '../clients/raw-socket.js'
import { openLoop, type Lateness } from '../harness/open-loop.js'
import { nowUs } from '../harness/payload.js'
import { serve } from '../harness/remote.js'
import { Histogram, type HistogramData } from '../harness/statistics.js'

export interface Storm {
  port: number
  dialect: Dialect
  channels: readonly string[]
  perSecond: number
  count: number
  keep: number
  localAddresses: readonly string[]
}

export interface Stormed extends Lateness {
  letIn: number
  refused: number
  /** What was no answer, the first. */
  firstFault?: string
  /** Microseconds from due to refused. */
  histogram: HistogramData
}

let tokens: string[] = []

const isRefusal = (why: string): boolean =>
  why.includes('HTTP/1.1 503') && /retry-after: [1-5]\r\n/i.test(why)

async function storm(wish: Storm): Promise<Stormed> {
  const { port, dialect, channels, perSecond, count, keep, localAddresses } = wish
  const open: RawSocket[] = []
  const delays = new Histogram()
  let [letIn, refused] = [0, 0]
  let firstFault: string | undefined
  const one = async (turn: number, dueUs: number): Promise<void> => {
    try {
      const socket = await subscriber({
        dialect,
        port,
        channels: [channels[turn % channels.length] ?? ''],
        token: tokens[turn % tokens.length] ?? '',
        localAddress: localAddresses[turn % localAddresses.length] ?? '127.0.0.1',
      })
      letIn += 1
      open.push(socket)
      if (open.length > keep) open.shift()?.reset() // SO1
    } catch (error) {
      if (!isRefusal(String(error))) return void (firstFault ??= String(error)) // SO2
      refused += 1
      delays.record(nowUs() - dueUs)
    }
  }
  const all: Promise<void>[] = []
  const lateness = await openLoop({
    turns: count,
    perSecond,
    send: (turn, dueUs) => void all.push(one(turn, dueUs)),
  })
  await Promise.race([Promise.all(all), new Promise((resolve) => setTimeout(resolve, 5_000))])
  for (const socket of open) socket.reset()
  const told = { letIn, refused, histogram: delays.data(), ...lateness }
  return firstFault === undefined ? told : { ...told, firstFault }
}

serve({
  sign: ({ count, secret }: { count: number; secret: string }) => {
    tokens = Array.from({ length: count }, (_, index) => connectionToken(`storm-${index}`, secret))
  },
  storm,
})
