/**
 * What a storm of connects costs those who are there already.
 *
 * SM1. The clients that are there ping and publish all the time; what they see is told for the calm before the storm and for the storm.
 * SM2. Everybody who comes is answered: let in, or refused with 503 and Retry-After. One that isn't refuses the figures.
 * SM3. The limit of new connections per second is the gateway's default; its room is small where that is what has to be full.
 */
import type { NatsServer } from '@natter/testing'
import type { Ponged, Pings, PingersWish } from '../drivers/pingers.js'
import type { Storm, Stormed } from '../drivers/stormers.js'
import type { Acknowledged, TimedLoad, TimedWish } from '../drivers/timed-publishers.js'
import type { Bench, Context } from '../harness/bench.js'
import type { Child } from '../harness/child.js'
import { stopwatch } from '../harness/cpu.js'
import type { Bar, Sample } from '../harness/results.js'
import { tokenSecret } from '../harness/stage.js'
import { Histogram } from '../harness/statistics.js'

const there = 100
const pingsPerSecond = 500
const publishesPerSecond = 100
const stormPerSecond = 5_000
const drivers = 2
const contender = 'natter'

interface Weather {
  shape: string
  settings: Readonly<Record<string, string>>
}

/** SM3. */
const ownRate = { CLIENT_CONNECTION_RATE_LIMIT: '2000' }

const weathers: readonly Weather[] = [
  { shape: 'more than client.connection_rate_limit', settings: ownRate },
  {
    shape: 'more than gateway.max_connections',
    settings: { ...ownRate, GATEWAY_MAX_CONNECTIONS: String(2 * there) },
  },
]

const seconds = (isQuick: boolean): number => (isQuick ? 1 : 8)

interface World {
  nats: NatsServer
  gatewayPid: number
  pinger: Child
  publisher: Child
  crowd: readonly Child[]
  port: number
}

async function build({ settings }: Weather, { stage, isQuick }: Context): Promise<World> {
  const nats = await stage.nats()
  const gateway = await stage.gateway(nats, settings)
  const { port } = gateway
  const pinger = await stage.process('drivers/pingers', 'load')
  const whoPing = { port, clients: there, channel: 'seen:room-0', secret: tokenSecret }
  await pinger.ask('connect', whoPing satisfies PingersWish)
  const publisher = await stage.process('drivers/timed-publishers', 'load')
  await publisher.ask('connect', { port, clients: there, secret: tokenSecret } satisfies TimedWish)
  await publisher.ask('ready', 'kept:storm-0')
  const crowd: Child[] = []
  for (let index = 0; index < drivers; index += 1) {
    const driver = await stage.process('drivers/stormers', 'load')
    await driver.ask('sign', { count: isQuick ? 2_000 : 10_000, secret: tokenSecret })
    crowd.push(driver)
  }
  return { nats, gatewayPid: gateway.pid, pinger, publisher, crowd, port }
}

/** SM1. */
async function live({ pinger, publisher }: World, forSeconds: number) {
  const pings = { perSecond: pingsPerSecond, count: pingsPerSecond * forSeconds }
  const count = publishesPerSecond * forSeconds
  const load = { channel: 'kept:storm-', bytes: 200, perSecond: publishesPerSecond, count }
  const [ponged, acknowledged] = await Promise.all([
    pinger.ask<Ponged>('ping', pings satisfies Pings),
    publisher.ask<Acknowledged>('paced', load satisfies TimedLoad),
  ])
  if (ponged.closed > 0 || ponged.done !== pings.count || acknowledged.done !== count)
    throw new Error(`who was there lost: ${JSON.stringify({ ponged, acknowledged }).slice(0, 300)}`)
  const at = (data: Ponged | Acknowledged, share: number): number =>
    Histogram.merge([data.histogram]).percentile(share) / 1000
  return {
    pingP50Ms: at(ponged, 0.5),
    pingP99Ms: at(ponged, 0.99),
    publishP99Ms: at(acknowledged, 0.99),
    ponged,
  }
}

function storm({ crowd, port }: World, forSeconds: number): Promise<Stormed[]> {
  const perSecond = stormPerSecond / drivers
  const channels = Array.from({ length: 100 }, (_, index) => `seen:room-${index}`)
  return Promise.all(
    crowd.map((driver, index) => {
      const localAddresses = Array.from({ length: 8 }, (_, at) => `127.0.${index + 1}.${at + 1}`)
      const wish = { port, dialect: 'natter', channels, keep: 500, localAddresses } as const
      const load = { ...wish, perSecond, count: perSecond * forSeconds }
      return driver.ask<Stormed>('storm', load satisfies Storm)
    }),
  )
}

async function measure(weather: Weather, context: Context): Promise<Sample> {
  const world = await build(weather, context)
  const forSeconds = seconds(context.isQuick)
  await Promise.all([live(world, 1), storm(world, 1)]) // warm
  const calm = await live(world, forSeconds)
  const used = stopwatch([world.gatewayPid])
  const [stormy, told] = await Promise.all([live(world, forSeconds), storm(world, forSeconds)])
  const [gatewayUs = 0] = used()
  const sum = (of: (one: Stormed) => number): number => told.reduce((total, one) => total + of(one), 0)
  const firstFault = told.find((one) => one.firstFault !== undefined)?.firstFault
  if (firstFault !== undefined) throw new Error(`${weather.shape}: ${firstFault}`) // SM2
  const refused = Histogram.merge(told.map(({ histogram }) => histogram))
  return {
    contender,
    shape: weather.shape,
    expected: stormPerSecond * forSeconds,
    delivered: sum((one) => one.letIn + one.refused),
    figures: {
      pingP50Ms: stormy.pingP50Ms,
      pingP99Ms: stormy.pingP99Ms,
      calmPingP99Ms: calm.pingP99Ms,
      publishP99Ms: stormy.publishP99Ms,
      calmPublishP99Ms: calm.publishP99Ms,
      refusedPerSecond: sum((one) => one.refused) / forSeconds,
      letInPerSecond: sum((one) => one.letIn) / forSeconds,
      // a short one may be over before the limit is reached
      ...(refused.count === 0 ? {} : { refusalP99Ms: refused.percentile(0.99) / 1000 }),
      gatewayCpuPerArrivalUs: gatewayUs / (stormPerSecond * forSeconds),
      stormLateP99Ms: Math.max(...told.map(({ lateP99Us }) => lateP99Us)) / 1000,
    },
    histogram: stormy.ponged.histogram,
  }
}

async function run(context: Context): Promise<Sample[]> {
  const samples: Sample[] = []
  for (const weather of weathers) {
    samples.push(await measure(weather, context))
    context.say(weather.shape)
    await context.stage.end()
  }
  return samples
}

const bar = ({ shape }: Weather): Bar => ({
  what: `p99 of a ping of those who are there, ${shape}`,
  limit: 200,
  unit: 'ms',
  holds: 'at most',
  of: { contender, shape, figure: 'pingP99Ms' },
})

export const stormBench: Bench = {
  name: 'storm',
  title: 'A storm of connects',
  apps: ['gateway'],
  isPlaced: true,
  withinMs: 120_000,
  load: (isQuick) =>
    `${stormPerSecond} connects per second for ${seconds(isQuick)} s from ${drivers} processes, open loop, with token and subscribe ` +
    `(at most ${500 * drivers} stay), beside ${there} clients that ping ${pingsPerSecond} times a second and ${there} that publish ` +
    `${publishesPerSecond} times a second into kept channels and wait for the answer; all of it warm`,
  inside: {
    [contender]:
      'due → sent → gateway → pong, or the stored acknowledgement, beside the same without a storm (calm); refusals from due to 503',
  },
  bars: weathers.map(bar),
  run,
}
