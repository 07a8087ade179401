/**
 * Connects per second: handshake, HS256 token, one subscribe, and leaving again.
 *
 * CO1. All contenders get the same clients with the same bytes in the same run; the floor answers them without reading.
 * CO2. CPU per connect counts its end too: as many go as come.
 * CO3. The limit of new connections per second is off, as for all benches: it is there to keep a node from what is measured here.
 */
import { freePort } from '@natter/testing'
import type { Dialect } from '../clients/dialects.js'
import type { Connected, Connectors } from '../drivers/connectors.js'
import type { Bench, Context } from '../harness/bench.js'
import type { Child } from '../harness/child.js'
import { stopwatch } from '../harness/cpu.js'
import type { Bar, Sample } from '../harness/results.js'
import { tokenSecret } from '../harness/stage.js'
import { Histogram } from '../harness/statistics.js'

const drivers = 2
const shapes = [
  { dialect: 'natter', shape: 'JSON' },
  { dialect: 'natter-protobuf', shape: 'Protobuf' },
] as const satisfies readonly { dialect: Dialect; shape: string }[]

const channels = Array.from({ length: 100 }, (_, index) => `seen:room-${index}`)
const load = (isQuick: boolean) =>
  isQuick
    ? { warmUpMs: 500, windowMs: 1_000, tokens: 2_000, keep: 500 }
    : { warmUpMs: 5_000, windowMs: 10_000, tokens: 20_000, keep: 1_500 }

interface Contender {
  name: string
  child: Child
  port: number
}

async function natter({ stage }: Context): Promise<Contender> {
  const child = await stage.gateway(await stage.nats()) // CO3
  return { name: 'natter', child, port: child.port }
}

async function uws({ stage }: Context): Promise<Contender> {
  const child = await stage.process('contenders/greeter', 'measured')
  const port = await freePort()
  await child.ask('listen', port)
  return { name: 'uws', child, port }
}

async function measure({ name, child, port }: Contender, context: Context): Promise<Sample[]> {
  const { stage, isQuick, say } = context
  const { warmUpMs, windowMs, tokens, keep } = load(isQuick)
  const crowd: Child[] = []
  for (let index = 0; index < drivers; index += 1) {
    const driver = await stage.process('drivers/connectors', 'load')
    await driver.ask('sign', { count: tokens, secret: tokenSecret })
    crowd.push(driver)
  }
  const samples: Sample[] = []
  for (const { dialect, shape } of shapes) {
    const crowded = (forMs: number): Promise<Connected[]> =>
      Promise.all(
        crowd.map((driver, index) => {
          const localAddresses = Array.from({ length: 8 }, (_, at) => `127.0.${index + 1}.${at + 1}`)
          const wish = { port, dialect, channels, atOnce: 32, keep, forMs, localAddresses }
          return driver.ask<Connected>('run', wish satisfies Connectors)
        }),
      )
    await crowded(warmUpMs)
    const used = stopwatch([child.pid])
    const told = await crowded(windowMs)
    const [cpuUs = 0] = used()
    samples.push(sampleOf(name, shape, told, cpuUs))
    say(`${name}: ${shape}`)
  }
  return samples
}

function sampleOf(contender: string, shape: string, told: readonly Connected[], cpuUs: number): Sample {
  const firstFault = told.find((one) => one.firstFault !== undefined)?.firstFault
  if (firstFault !== undefined) throw new Error(`${contender}, ${shape}: ${firstFault}`)
  const sum = (of: (one: Connected) => number): number => told.reduce((total, one) => total + of(one), 0)
  const done = sum((one) => one.done)
  const tookUs = Math.max(...told.map((one) => one.tookUs))
  const delays = Histogram.merge(told.map(({ histogram }) => histogram))
  return {
    contender,
    shape,
    expected: sum((one) => one.begun),
    delivered: done,
    figures: {
      perSecond: done / (tookUs / 1_000_000),
      cpuPerConnectUs: cpuUs / done,
      processorShare: cpuUs / tookUs,
      p50Ms: delays.percentile(0.5) / 1000,
      p99Ms: delays.percentile(0.99) / 1000,
    },
    histogram: delays.data(),
  }
}

async function run(context: Context): Promise<Sample[]> {
  const samples: Sample[] = []
  for (const contender of [natter, uws]) {
    samples.push(...(await measure(await contender(context), context)))
    await context.stage.end()
  }
  return samples
}

const rate = (shape: string): Bar => ({
  what: `connects per second with an HS256 token and one subscribe, ${shape}`,
  limit: 3_000,
  unit: '/s',
  holds: 'at least',
  of: { contender: 'natter', shape, figure: 'perSecond' },
})

export const connects: Bench = {
  name: 'connects',
  title: 'Connecting',
  apps: ['gateway'],
  isPlaced: true,
  withinMs: 120_000,
  load: (isQuick) => {
    const { warmUpMs, windowMs, keep } = load(isQuick)
    return (
      `${drivers} processes with 32 connects under way each, for ${windowMs / 1000} s after ${warmUpMs / 1000} s of the same: WebSocket ` +
      `handshake, connect with an HS256 token (claims and 100 bytes of info) and subscribe to one of ${channels.length} kept channels ` +
      `with presence in one frame; each goes when ${keep} newer ones are there`
    )
  },
  inside: {
    natter:
      'the gateway process: handshake, token, presence, subscription, both answers, and the end of as many connections',
    uws: 'the bare process: handshake, one native topic, both answers as constants, and the end of as many connections',
  },
  bars: shapes.map(({ shape }) => rate(shape)),
  run,
}
