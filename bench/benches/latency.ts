/**
 * From the moment a publication was due to the moment a subscriber of another gateway read it.
 *
 * L1. The sender is an open loop: what is sent late counts from when it was due.
 * L2. Publisher and subscribers read the same clock, the machine's monotonic one. Nothing of it holds between machines.
 */
import type { PacedLoad, PublishersWish } from '../drivers/publishing-clients.js'
import type { ConnectWish, Received } from '../drivers/subscribers.js'
import type { Bench, Context } from '../harness/bench.js'
import type { Child } from '../harness/child.js'
import type { Bar, Sample } from '../harness/results.js'
import { tokenSecret } from '../harness/stage.js'
import { Histogram } from '../harness/statistics.js'

const subscribers = 20
const publishers = 10
const bytes = 200
const channel = 'kept:latency'
const rates = [100, 1_000]
const shapeOf = (perSecond: number): string => `${perSecond} publications/s × ${subscribers} subscribers`

const seconds = (isQuick: boolean) => (isQuick ? { warmUp: 0.5, window: 1 } : { warmUp: 2, window: 10 })

async function run({ stage, isQuick, say }: Context): Promise<Sample[]> {
  const nats = await stage.nats()
  const [near, far] = [await stage.gateway(nats), await stage.gateway(nats)]
  const listener = await stage.process('drivers/subscribers', 'load')
  const sender = await stage.process('drivers/publishing-clients', 'load')
  await listener.ask('connect', {
    dialect: 'natter',
    port: far.port,
    count: subscribers,
    channels: [channel],
    timesAll: true,
  } satisfies ConnectWish)
  await sender.ask('connect', {
    port: near.port,
    clients: publishers,
    secret: tokenSecret,
  } satisfies PublishersWish)
  const samples: Sample[] = []
  for (const perSecond of rates) {
    await deliver(sender, listener, perSecond, seconds(isQuick).warmUp)
    samples.push(await deliver(sender, listener, perSecond, seconds(isQuick).window))
    say(shapeOf(perSecond))
  }
  return samples
}

async function deliver(
  sender: Child,
  listener: Child,
  perSecond: number,
  forSeconds: number,
): Promise<Sample> {
  const count = Math.round(perSecond * forSeconds)
  const expected = count * subscribers
  await listener.ask('reset')
  const sent = await sender.ask<{ done: number; latestUs: number }>('paced', {
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
    senderLateMs: sent.latestUs / 1000,
  }
  return {
    contender: 'natter',
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
    `${bytes} bytes, open loop, ${seconds(isQuick).window} s at each rate`,
  inside: {
    natter:
      'due → sent → gateway → JetStream, stored → other gateway → read by the subscriber. How late the sender itself was is in it, and told (senderLateMs)',
  },
  bars: [bar(1_000, 10), bar(100, 5)],
  run,
}
