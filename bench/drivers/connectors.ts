/**
 * Clients that connect, subscribe and go, as many as are taken at once.
 *
 * CN1. A connection stays until so many newer ones are there: then its client goes. So a server has as many to let go as to let in, and no
 *      process runs out of descriptors.
 * CN2. Tokens are signed before: what is measured is who checks them.
 */
import { connectionToken, inTurns, subscriber, type Dialect } from '../clients/dialects.js'
import type { RawSocket } from '../clients/raw-socket.js'
import { nowUs } from '../harness/payload.js'
import { serve } from '../harness/remote.js'
import { Histogram, type HistogramData } from '../harness/statistics.js'

export interface Connectors {
  port: number
  dialect: Dialect
  /** Each subscribes to one of them in turn. */
  channels: readonly string[]
  /** Connects under way at any time. */
  atOnce: number
  /** Connections that stay open. */
  keep: number
  forMs: number
  /** Source addresses, in turn: one holds about 28,000 ports. */
  localAddresses: readonly string[]
}

export interface Connected {
  begun: number
  /** Of them, with both commands answered. */
  done: number
  firstFault?: string
  tookUs: number
  /** Microseconds from the first packet to the second answer. */
  histogram: HistogramData
}

let tokens: string[] = []
let begun = 0

async function run(wish: Connectors): Promise<Connected> {
  const { port, dialect, channels, atOnce, keep, forMs, localAddresses } = wish
  const open: RawSocket[] = []
  const delays = new Histogram()
  let firstFault: string | undefined
  const before = begun
  let done = 0
  const startUs = nowUs()
  const connectOne = async (): Promise<void> => {
    begun += 1
    const dueUs = nowUs()
    const one = {
      dialect,
      port,
      channels: [channels[begun % channels.length] ?? ''],
      token: tokens[begun % tokens.length] ?? '',
      localAddress: localAddresses[begun % localAddresses.length] ?? '127.0.0.1',
    }
    try {
      open.push(await subscriber(one))
      done += 1
      delays.record(nowUs() - dueUs)
    } catch (error) {
      firstFault ??= String(error)
    }
    if (open.length > keep) open.shift()?.reset() // CN1
  }
  await inTurns(atOnce, atOnce, async () => {
    while (nowUs() - startUs < forMs * 1000) await connectOne()
  })
  const tookUs = nowUs() - startUs
  for (const socket of open) socket.reset()
  const told = { begun: begun - before, done, tookUs, histogram: delays.data() }
  return firstFault === undefined ? told : { ...told, firstFault }
}

serve({
  /** CN2. */
  sign: ({ count, secret }: { count: number; secret: string }) => {
    tokens = Array.from({ length: count }, (_, index) =>
      connectionToken(`user-${process.pid}-${index}`, secret),
    )
  },
  run,
})
