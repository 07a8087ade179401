/**
 * What a publish hook adds to an acknowledged publish: time, and CPU of the gateway and of the app.
 *
 * HK1. All contenders are the same gateway with the same clients in the same run; they differ in the channels' namespace alone.
 * HK2. What a hook adds is the difference within the run. It is told where both sides were acknowledged in full.
 * HK3. The app counts what it was asked: a hook that wasn't called is no cheap hook.
 */
import type { NatsServer } from '@natter/testing'
import type { Acknowledged, TimedLoad, TimedWish } from '../drivers/timed-publishers.js'
import type { Bench, Context } from '../harness/bench.js'
import type { Child } from '../harness/child.js'
import { stopwatch } from '../harness/cpu.js'
import type { Bar, Sample } from '../harness/results.js'
import { tokenSecret, type Gateway } from '../harness/stage.js'
import { Histogram } from '../harness/statistics.js'
import { isWhole } from '../harness/verdict.js'

const clients = 100
const bytes = 200
const perSecond = 1_000
const shape = `${perSecond} publications/s`

const seconds = (isQuick: boolean) => (isQuick ? { warmUp: 0.5, window: 1 } : { warmUp: 5, window: 10 })

interface Contender {
  name: string
  namespace: string
  isAsked: boolean
}

const bare: Contender = { name: 'gateway', namespace: 'kept', isAsked: false }
const asked: Contender = { name: 'gateway and app: yes as sent', namespace: 'asked', isAsked: true }
const shaped: Contender = {
  name: 'gateway and app: checked and rewritten',
  namespace: 'shaped',
  isAsked: true,
}

interface World {
  nats: NatsServer
  gateway: Gateway
  app: Child
  driver: Child
}

async function run(context: Context): Promise<Sample[]> {
  const { stage, say } = context
  const nats = await stage.nats()
  const gateway = await stage.gateway(nats)
  const app = await stage.process('contenders/hook-app', 'measured')
  await app.ask('start', nats.url)
  const driver = await stage.process('drivers/timed-publishers', 'load')
  await driver.ask('connect', { port: gateway.port, clients, secret: tokenSecret } satisfies TimedWish)
  const world = { nats, gateway, app, driver }
  const samples: Sample[] = []
  for (const contender of [bare, asked, shaped]) {
    const [baseline] = samples
    const sample = await measure(contender, world, context)
    samples.push(baseline === undefined ? sample : withAdded(sample, baseline))
    say(contender.name)
  }
  return samples
}

async function measure(contender: Contender, world: World, { isQuick }: Context): Promise<Sample> {
  const { nats, gateway, app, driver } = world
  const channel = `${contender.namespace}:bench-`
  const paced = (forSeconds: number): Promise<Acknowledged> => {
    const count = Math.round(perSecond * forSeconds)
    return driver.ask('paced', { channel, bytes, perSecond, count } satisfies TimedLoad)
  }
  await driver.ask('ready', `${channel}0`)
  const cold = await paced(seconds(isQuick).warmUp)
  const askedBefore = await app.ask<number>('asked')
  const used = stopwatch([gateway.pid, app.pid, nats.pid])
  const told = await paced(seconds(isQuick).window)
  const [gatewayUs = 0, appUs = 0, natsUs = 0] = used()
  const count = perSecond * seconds(isQuick).window
  if (told.firstError !== undefined) throw new Error(`${contender.name}: ${told.firstError}`)
  const wasAsked = (await app.ask<number>('asked')) - askedBefore
  if (wasAsked !== (contender.isAsked ? count : 0))
    throw new Error(`${contender.name}: the app was asked ${wasAsked} times for ${count}`) // HK3
  const delays = Histogram.merge([told.histogram])
  return {
    contender: contender.name,
    shape,
    expected: count,
    delivered: told.done,
    figures: {
      p50Ms: delays.percentile(0.5) / 1000,
      p99Ms: delays.percentile(0.99) / 1000,
      gatewayCpuPerAckUs: gatewayUs / told.done,
      appCpuPerAckUs: appUs / told.done,
      natsServerCpuPerAckUs: natsUs / told.done,
      coldP99Ms: Histogram.merge([cold.histogram]).percentile(0.99) / 1000,
      senderLateP99Ms: told.lateP99Us / 1000,
    },
    histogram: told.histogram,
  }
}

/** HK2 */
function withAdded(sample: Sample, baseline: Sample): Sample {
  if (!isWhole(sample) || !isWhole(baseline)) return sample
  const added = (figure: string): number =>
    (sample.figures[figure] ?? Number.NaN) - (baseline.figures[figure] ?? Number.NaN)
  const figures = {
    ...sample.figures,
    addedP50Ms: added('p50Ms'),
    addedP99Ms: added('p99Ms'),
    addedGatewayCpuPerAckUs: added('gatewayCpuPerAckUs'),
  }
  return { ...sample, figures }
}

const latencyBar = ({ name }: Contender): Bar => ({
  what: `p99 of an acknowledged publish, ${name.replace(/.*: /, 'hook: ')}`,
  limit: 10,
  unit: 'ms',
  holds: 'at most',
  of: { contender: name, shape, figure: 'p99Ms' },
})

const cpuBar = ({ name }: Contender): Bar => ({
  what: `gateway CPU per acknowledged publish, ${name.replace(/.*: /, 'hook: ')} ÷ without a hook`,
  limit: 2,
  unit: '×',
  holds: 'at most',
  of: { contender: name, shape, figure: 'gatewayCpuPerAckUs' },
  baseline: { contender: bare.name, shape, figure: 'gatewayCpuPerAckUs' },
})

const way = 'due → sent → gateway → app → gateway → JetStream, stored → acknowledged'

export const hooks: Bench = {
  name: 'hooks',
  title: 'What a publish hook adds',
  apps: ['gateway'],
  isPlaced: true,
  withinMs: 120_000,
  load: (isQuick) =>
    `${clients} WebSocket clients of one gateway publish ${bytes} bytes of JSON, each into a kept channel of its own; open loop, ` +
    `${seconds(isQuick).window} s after ${seconds(isQuick).warmUp} s of the same; one instance of the app, on the gateway's core`,
  inside: {
    [bare.name]:
      'due → sent → gateway → JetStream, stored → acknowledged; the namespace has no hook. The app stands by: its CPU is what it costs to be there',
    [asked.name]: `${way}. The hook returns nothing`,
    [shaped.name]: `${way}. The hook's schema is of zod, and it returns the message with the user's id, which is stored`,
  },
  bars: [asked, shaped].flatMap((contender) => [latencyBar(contender), cpuBar(contender)]),
  run,
}
