/** A process that holds the sockets of one gateway: it records and counts, and judges nothing. */
import { setMaxListeners } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { inTurns, subscriber } from '../../bench/clients/dialects.js'
import type { RawSocket } from '../../bench/clients/raw-socket.js'
import { serve } from '../../bench/harness/remote.js'
import { createClient, type Client } from './client.js'
import type { Called, Evidence, Heard, Published } from './evidence.js'
import { steadily } from './steadily.js'

export interface ConnectWish {
  /** Of this process; the names of its clients begin with it. */
  name: string
  port: number
  sockets: number
  socketsPerChannel: number
  /** The file of its history. */
  history: string
}

export interface LoadWish {
  callerEvery: number
  publisherEvery: number
  /** Of this process. */
  rpcsPerSecond: number
  publicationsPerSecond: number
}

export type Seen = Pick<Evidence, 'dropped' | 'rpcs' | 'published'>

const clients: Client[] = []
const seen: Seen = { dropped: [], rpcs: [], published: [] }
const over = new AbortController()
setMaxListeners(0, over.signal)
const inFlight = new Set<Promise<unknown>>()
let history: WriteStream | undefined
let stopLoad = (): void => {}

const record = (event: Readonly<Record<string, unknown>>): void =>
  void history?.write(`${JSON.stringify({ atMs: Date.now(), ...event })}\n`)

/** As any client does: a gateway that hears of the apps in this moment says "try again". */
async function persistently(open: () => Promise<RawSocket>): Promise<RawSocket> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await open()
    } catch (error) {
      if (tries === 10) throw error
      await delay(200)
    }
  }
}

async function connect({
  name,
  port,
  sockets,
  socketsPerChannel,
  history: file,
}: ConnectWish): Promise<void> {
  history = createWriteStream(file)
  await inTurns(sockets, 50, async (index) => {
    const channel = `deploy:${Math.floor(index / socketsPerChannel)}`
    const socket = await persistently(() => subscriber({ dialect: 'natter', port, channels: [channel] }))
    const client = `${name}-${index}`
    const onDrop = (why: string): void => {
      record({ client, dropped: why })
      seen.dropped.push({ client, why })
    }
    clients[index] = createClient({ name: client, channel, socket, record, onDrop, signal: over.signal })
  })
}

function keep<T extends Called>(list: T[], call: Promise<T>): void {
  const kept = call.then((called) => {
    list.push(called)
    inFlight.delete(kept)
  })
  inFlight.add(kept)
}

function begin({ callerEvery, publisherEvery, rpcsPerSecond, publicationsPerSecond }: LoadWish): void {
  const callers = clients.filter((_, index) => index % callerEvery === 0)
  const publishers = clients.filter((_, index) => index % publisherEvery === 0)
  const stops = [
    steadily(rpcsPerSecond, (turn) => keep(seen.rpcs, (callers[turn % callers.length] as Client).callRpc())),
    steadily(publicationsPerSecond, (turn) =>
      keep<Published>(seen.published, (publishers[turn % publishers.length] as Client).publish()),
    ),
  ]
  stopLoad = () => stops.forEach((stop) => stop())
}

/** Nothing new is sent. Resolves when all that was sent has its answer, or after `withinMs`. */
async function end({ withinMs }: { withinMs: number }): Promise<Seen> {
  stopLoad()
  const timer = setTimeout(() => over.abort(), withinMs)
  while (inFlight.size > 0) await Promise.all(inFlight)
  clearTimeout(timer)
  return seen
}

const heard = (): Heard[] => clients.map((client) => client.heard)

/** What this process sees when it is over: drops up to this moment, and what each socket got. */
async function close(): Promise<{ heard: Heard[]; dropped: Seen['dropped'] }> {
  const dropped = [...seen.dropped]
  await new Promise<void>((resolve) => (history === undefined ? resolve() : history.end(() => resolve())))
  return { heard: heard(), dropped }
}

serve({
  connect,
  begin,
  end,
  /** Publications that all sockets got so far. */
  heardSoFar: () => clients.reduce((sum, client) => sum + client.heard.publications, 0),
  close,
})
