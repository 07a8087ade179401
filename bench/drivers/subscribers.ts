/**
 * Holds subscribers and counts what they get. At most 250 per process where they are measured: one Node driver with thousands of
 * clients measures itself.
 *
 * D1. The first client of each process reads every message and checks that none of a channel is missing or out of order. Between
 *     channels there is no order: what a turn brings leaves channel by channel.
 */
import { answerPings, connectionToken, inTurns, subscriber, type Dialect } from '../clients/dialects.js'
import type { RawSocket } from '../clients/raw-socket.js'
import { dueTimes, nowUs, numbersOf } from '../harness/payload.js'
import { serve } from '../harness/remote.js'
import { Histogram } from '../harness/statistics.js'

export interface ConnectWish {
  dialect: Dialect
  port: number
  count: number
  /** The same for all; with `ownChannel` each one's own instead. */
  channels: readonly string[]
  /** Each subscribes to this text and its number. */
  ownChannel?: string
  /** Each takes one of `channels` in turn, instead of all. */
  oneOfThem?: boolean
  localAddress?: string
  /** A token for each, signed with it. */
  secret?: string
  /** Publications come as patches: nobody reads them. */
  delta?: boolean
  /** Each reads every message and records how long after it was due. */
  timesAll?: boolean
}

export interface Received {
  /** Over all clients since `reset`. */
  delivered: number
  /** Publications per read of a socket: how many one turn of the server brought. */
  perRead: number
  /** Of frames, without their headers. */
  payloadBytes: number
  /** What was wrong with numbers or sockets, at most ten. */
  faults: string[]
  /** Microseconds from due to read. */
  histogram: [number, number][]
}

let sockets: RawSocket[] = []
let faults: string[] = []
let delays = new Histogram()

const fault = (text: string): void => void (faults.length < 10 && faults.push(text))

serve({
  connect: async (wish: ConnectWish) => {
    const own: RawSocket[] = []
    await inTurns(wish.count, 100, async (index) => {
      const socket = await subscriber(wishOf(wish, index))
      socket.onClose = (why) => fault(`client ${index} was closed: ${why}`)
      own.push(socket)
    })
    sockets = [...sockets, ...own]
    const [first] = own
    if (wish.timesAll === true) for (const socket of own) time(socket, wish.dialect)
    else if (first !== undefined && wish.delta !== true) check(first, wish)
  },
  /** Waits until `expected` has come in all, at most `withinMs` after it last grew. */
  received: async ({ expected, withinMs }: { expected: number; withinMs: number }): Promise<Received> => {
    await settled(expected, withinMs)
    return {
      delivered: total(),
      perRead:
        total() /
        Math.max(
          1,
          sum((socket) => socket.longReads),
        ),
      payloadBytes: sum((socket) => socket.reader.longPayloadBytes),
      faults,
      histogram: delays.data().map(([value, count]) => [value, count]),
    }
  },
  /** How many sockets are open and subscribed. */
  open: () => {
    if (faults.length > 0) throw new Error(faults.join('; '))
    return sockets.length
  },
  reset: () => {
    for (const socket of sockets) {
      socket.reader.longMessages = 0
      socket.reader.longPayloadBytes = 0
      socket.longReads = 0
    }
    faults = []
    delays = new Histogram()
  },
})

function wishOf(wish: ConnectWish, index: number) {
  const { dialect, port, channels, ownChannel, oneOfThem, localAddress, secret, delta } = wish
  const name = `${localAddress ?? ''}-${process.pid}-${index}-${sockets.length}`
  const taken = oneOfThem === true ? [channels[index % channels.length] ?? ''] : channels
  return {
    dialect,
    port,
    channels: ownChannel === undefined ? taken : [`${ownChannel}${name}`],
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(delta === undefined ? {} : { delta }),
    ...(secret === undefined ? {} : { token: connectionToken(`user${name}`, secret) }),
  }
}

/** D1: publishers number on and take the channels in turn, so that those of a channel are that far apart. */
function check(socket: RawSocket, { dialect, channels }: ConnectWish): void {
  const answer = answerPings(dialect, socket)
  const apart = Math.max(1, channels.length)
  const last = new Map<number, number>()
  socket.reader.readsAll = true
  socket.onText = (text) => {
    answer(text)
    for (const n of numbersOf(text)) {
      const before = last.get(n % apart)
      if (n >= apart && n !== (before ?? n % apart) + apart) fault(`message ${n} came after ${before}`)
      last.set(n % apart, n)
    }
  }
}

function time(socket: RawSocket, dialect: Dialect): void {
  const answer = answerPings(dialect, socket)
  socket.reader.readsAll = true
  socket.onText = (text) => {
    answer(text)
    for (const dueUs of dueTimes(text)) delays.record(nowUs() - dueUs)
  }
}

const sum = (of: (socket: RawSocket) => number): number =>
  sockets.reduce((total, socket) => total + of(socket), 0)

const total = (): number => sum((socket) => socket.reader.longMessages)

async function settled(expected: number, withinMs: number): Promise<void> {
  let seen = total()
  let sinceUs = nowUs()
  while (total() < expected && nowUs() - sinceUs < withinMs * 1000) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    if (total() === seen) continue
    seen = total()
    sinceUs = nowUs()
  }
}
