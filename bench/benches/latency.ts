/**
 * From the moment a publication was due to the moment a subscriber of another gateway read it.
 *
 * L1. The sender is an open loop: what is sent late counts from when it was due.
 * L2. The window opens after a warm-up of the same load: Node compiles during the first seconds, on the cores that everybody shares.
 *     What that costs is told beside it (coldP99Ms).
 * L3. Publisher and subscribers read the same clock, the machine's monotonic one. Nothing of it holds between machines.
 */
import { Subjects } from '@natter/broker'
import { freePort, type NatsServer } from '@natter/testing'
import type { BareGatewayWish } from '../contenders/bare-gateway.js'
import type { PacedLoad, PublishersWish } from '../drivers/publishing-clients.js'
import type { ConnectWish, Received } from '../drivers/subscribers.js'
import type { Bench, Context } from '../harness/bench.js'
import type { Child } from '../harness/child.js'
import type { Bar, Sample } from '../harness/results.js'
import type { Lateness } from '../harness/open-loop.js'
import { tokenSecret } from '../harness/stage.js'
import { Histogram } from '../harness/statistics.js'

const subscribers = 20
const publishers = 10
const bytes = 200
const channel = 'kept:latency'
/** The higher one first: in five seconds of the lower one V8 has seen too few calls, and would compile in the window instead. */
const rates = [1_000, 100]
const shapeOf = (perSecond: number): string => `${perSecond} publications/s × ${subscribers} subscribers`

const seconds = (isQuick: boolean) => (isQuick ? { warmUp: 0.5, window: 1 } : { warmUp: 5, window: 6 })

/** Two nodes of one contender: `near` has the publishers, `far` the subscribers. */
interface Pair {
  name: string
  dialect: 'natter' | 'socket.io'
  near: number
  far: number
}

async function natter({ stage }: Context, nats: NatsServer): Promise<Pair> {
  const [near, far] = [await stage.gateway(nats), await stage.gateway(nats)]
  return { name: 'natter', dialect: 'natter', near: near.port, far: far.port }
}

/** The same way with nothing of ours on it: what is left is the two libraries, JetStream and the machine. Its stream is natter's. */
async function bare({ stage }: Context, { url }: NatsServer): Promise<Pair> {
  const subjects = new Subjects('natter')
  // another channel, or natter's gateway would hand all of it on as well
  const [subject, heard] = [subjects.stored('kept', 'kept:bare'), subjects.live('kept', 'kept:bare')]
  const live = { subject: heard, channel }
  const start = async (): Promise<number> => {
    const [child, port] = [await stage.process('contenders/bare-gateway', 'measured'), await freePort()]
    await child.ask('listen', { url, subject, port, live } satisfies BareGatewayWish)
    return port
  }
  return { name: 'bare', dialect: 'natter', near: await start(), far: await start() }
}

async function socketIo({ stage }: Context, redis: number): Promise<Pair> {
  const start = async (): Promise<number> => {
    const [child, port] = [await stage.process('contenders/socket-io', 'measured'), await freePort()]
    await child.ask('listen', { port, redis })
    return port
  }
  return { name: 'socket.io', dialect: 'socket.io', near: await start(), far: await start() }
}

async function run(context: Context): Promise<Sample[]> {
  const { stage } = context
  const nats = await stage.nats()
  const samples = await measure(await natter(context, nats), context)
  samples.push(...(await measure(await bare(context, nats), context)))
  await stage.end()
  const redis = await stage.redis()
  if (redis === undefined) context.skip('socket.io', 'there is no redis-server on the PATH')
  else samples.push(...(await measure(await socketIo(context, redis), context)))
  return samples
}

async function measure({ name, dialect, near, far }: Pair, context: Context): Promise<Sample[]> {
  const { stage, isQuick, say } = context
  const listener = await stage.process('drivers/subscribers', 'load')
  const sender = await stage.process('drivers/publishing-clients', 'load')
  const listening = { dialect, port: far, count: subscribers, channels: [channel], timesAll: true }
  await listener.ask('connect', listening satisfies ConnectWish)
  const sending = { dialect, port: near, clients: publishers, secret: tokenSecret }
  await sender.ask('connect', sending satisfies PublishersWish)
  const samples: Sample[] = []
  for (const perSecond of rates) {
    const cold = await deliver(name, sender, listener, perSecond, seconds(isQuick).warmUp) // L2
    const warm = await deliver(name, sender, listener, perSecond, seconds(isQuick).window)
    samples.push({ ...warm, figures: { ...warm.figures, coldP99Ms: cold.figures['p99Ms'] ?? Number.NaN } })
    say(`${name}: ${shapeOf(perSecond)}`)
  }
  return samples
}

async function deliver(
  name: string,
  sender: Child,
  listener: Child,
  perSecond: number,
  forSeconds: number,
): Promise<Sample> {
  const count = Math.round(perSecond * forSeconds)
  const expected = count * subscribers
  await listener.ask('reset')
  const sent = await sender.ask<{ done: number } & Lateness>('paced', {
    channel,
    bytes,
    perSecond,
    count,
  } satisfies PacedLoad)
  if (sent.done !== count) throw new Error(`${sent.done} of ${count} publications were acknowledged`)
  const received = await listener.ask<Received>('received', { expected, withinMs: 3_000 })
  const delays = Histogram.merge([received.histogram])
  const ms = (share: number): number => delays.percentile(share) / 1000
  const figures = {
    p50Ms: ms(0.5),
    p99Ms: ms(0.99),
    p999Ms: ms(0.999),
    maxMs: ms(1),
    senderLateP99Ms: sent.lateP99Us / 1000,
    senderLateMs: sent.latestUs / 1000,
  }
  return {
    contender: name,
    shape: shapeOf(perSecond),
    expected,
    delivered: received.delivered,
    figures,
    histogram: received.histogram,
  }
}

const bar = (perSecond: number, limit: number): Bar => ({
  what: `p99 across gateways, ${shapeOf(perSecond)}`,
  limit,
  unit: 'ms',
  holds: 'at most',
  of: { contender: 'natter', shape: shapeOf(perSecond), figure: 'p99Ms' },
})

export const latency: Bench = {
  name: 'latency',
  title: 'Latency across gateways',
  apps: ['gateway'],
  isPlaced: false,
  withinMs: 120_000,
  load: (isQuick) =>
    `${publishers} clients of one gateway publish into one kept channel, ${subscribers} clients of another are subscribed; ` +
    `${bytes} bytes, open loop, ${seconds(isQuick).window} s at each rate, after ${seconds(isQuick).warmUp} s of the same`,
  inside: {
    natter:
      'due → sent → gateway → JetStream, stored → other gateway → read by the subscriber. How late the sender itself was is in it, and told (senderLateMs, the latest of all); coldP99Ms is the p99 of the warm-up',
    bare: 'due → sent → uWebSockets.js server → JetStream, stored → other uWebSockets.js server → read by the subscriber: nothing checked, no rights, no history, no recovery. The floor with these two libraries on this machine',
    'socket.io': 'due → sent → node → Redis → other node → read by the subscriber. Nothing is stored',
  },
  bars: [bar(1_000, 10), bar(100, 5)],
  run,
}
