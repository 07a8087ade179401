/**
 * CPU per delivery: from the broker (or from the loop, for the bare contenders) into the sockets of 500 subscribers.
 *
 * FO1. The window opens after a warm-up of the same load and closes when the last delivery was read. The warm-up is as long as the
 *      window at least: it is the compiled code that is compared, not the compiler.
 */
import { Subjects } from '@natter/broker'
import { freePort } from '@natter/testing'
import type { Dialect } from '../clients/dialects.js'
import type { PublishLoad } from '../contenders/loads.js'
import type { ConnectWish, Received } from '../drivers/subscribers.js'
import type { Bench, Context } from '../harness/bench.js'
import type { Child } from '../harness/child.js'
import { stopwatch } from '../harness/cpu.js'
import type { Bar, Sample } from '../harness/results.js'

const subscribers = 500
const perDriver = 250
const bytes = 200
const batches = [1, 20]
const channelCounts = [1, 10, 100]
const figure = 'cpuPerDeliveryUs'

interface Pace {
  turnsPerSecond: number
  seconds: number
  warmUpSeconds: number
}

const pace = (isQuick: boolean): Pace =>
  isQuick
    ? { turnsPerSecond: 20, seconds: 0.5, warmUpSeconds: 0.2 }
    : { turnsPerSecond: 50, seconds: 1.6, warmUpSeconds: 2 }

/** What stands ready to be loaded: its nodes are measured, subscribers are spread over them. */
interface Contender {
  name: string
  dialect: Dialect
  nodes: { pid: number; port: number }[]
  publisher: Child
  /** What the publisher calls a channel. */
  subjectOf(channel: string): string
  /** Slower ones get fewer turns at 20 messages, or they would be measured while they drown. */
  slowdown: number
}

const channelsOf = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}fan-${index}`)

const shapeOf = (batch: number, channels: number): string =>
  `${batch} a turn, ${channels} channel${channels === 1 ? '' : 's'}`

async function bare(name: 'uws' | 'ws', { stage }: Context): Promise<Contender> {
  const child = await stage.process(`contenders/${name}`, 'measured')
  const port = await freePort()
  await child.ask('listen', port)
  const slowdown = name === 'ws' ? 5 : 1
  return {
    name,
    dialect: 'plain',
    nodes: [{ pid: child.pid, port }],
    publisher: child,
    subjectOf: (c) => c,
    slowdown,
  }
}

async function natter(kind: 'kept' | 'passing', nodes: number, { stage }: Context): Promise<Contender> {
  const nats = await stage.nats()
  const gateways = []
  for (let index = 0; index < nodes; index += 1) gateways.push(await stage.gateway(nats))
  const publisher = await stage.process('drivers/nats-publisher', 'load')
  await publisher.ask('connect', nats.url)
  const subjects = new Subjects('natter')
  const subjectOf = (channel: string): string =>
    kind === 'kept' ? subjects.stored(kind, channel) : subjects.live(kind, channel)
  const word = kind === 'kept' ? 'natter' : 'natter, not kept'
  const name = nodes === 1 ? word : `${word}, ${nodes} nodes`
  return { name, dialect: 'natter', nodes: gateways, publisher, subjectOf, slowdown: 1 }
}

async function socketIo(nodes: number, { stage }: Context, redis: number): Promise<Contender> {
  const start = async (role: 'measured' | 'load') => {
    const child = await stage.process('contenders/socket-io', role)
    const port = await freePort()
    await child.ask('listen', { port, redis })
    return { ...child, port }
  }
  const measured = []
  for (let index = 0; index < nodes; index += 1) measured.push(await start('measured'))
  const name = nodes === 1 ? 'socket.io' : `socket.io, ${nodes} nodes`
  const publisher = await start('load')
  return { name, dialect: 'socket.io', nodes: measured, publisher, subjectOf: (c) => c, slowdown: 10 }
}

/** Connects the subscribers, and measures each batch. */
async function measure(contender: Contender, prefix: string, count: number, { stage, isQuick }: Context) {
  const channels = channelsOf(prefix, count)
  const { dialect, nodes } = contender
  const drivers = await Promise.all(
    Array.from({ length: subscribers / perDriver }, async (_, index) => {
      const port = nodes[index % nodes.length]?.port ?? 0
      const driver = await stage.process('drivers/subscribers', 'load')
      await driver.ask('connect', { dialect, port, count: perDriver, channels } satisfies ConnectWish)
      return driver
    }),
  )
  const samples: Sample[] = []
  for (const batch of batches) samples.push(await window(contender, drivers, channels, batch, pace(isQuick)))
  await Promise.all(drivers.map((driver) => driver.end()))
  return samples
}

async function window(
  contender: Contender,
  drivers: readonly Child[],
  channels: readonly string[],
  batch: number,
  { turnsPerSecond, seconds, warmUpSeconds }: Pace,
): Promise<Sample> {
  const perSecond = batch === 1 ? turnsPerSecond : turnsPerSecond / contender.slowdown
  const load = (forSeconds: number): PublishLoad => ({
    channels: channels.map((channel) => contender.subjectOf(channel)),
    bytes,
    batch,
    turns: Math.max(1, Math.round(perSecond * forSeconds)),
    perSecond,
  })
  await deliver(contender, drivers, load(warmUpSeconds))
  const used = stopwatch(contender.nodes.map(({ pid }) => pid)) // FO1
  const { delivered, expected, perRead } = await deliver(contender, drivers, load(seconds))
  const cpu = used().reduce((sum, one) => sum + one, 0)
  const figures = { [figure]: cpu / delivered, cpuMs: cpu / 1000, perRead, turnsPerSecond: perSecond }
  return { contender: contender.name, shape: shapeOf(batch, channels.length), expected, delivered, figures }
}

async function deliver({ publisher }: Contender, drivers: readonly Child[], load: PublishLoad) {
  await Promise.all(drivers.map((driver) => driver.ask('reset')))
  await publisher.ask('publish', load)
  const expected = load.turns * load.batch * perDriver
  const received = await Promise.all(
    drivers.map((driver) => driver.ask<Received>('received', { expected, withinMs: 3_000 })),
  )
  const faults = received.flatMap((one) => one.faults)
  if (faults.length > 0) throw new Error(`The subscribers saw faults: ${faults.join('; ')}`)
  const total = (of: (one: Received) => number): number => received.reduce((sum, one) => sum + of(one), 0)
  return {
    delivered: total((one) => one.delivered),
    expected: expected * drivers.length,
    perRead: total((one) => one.perRead) / received.length,
  }
}

async function run(context: Context): Promise<Sample[]> {
  const samples: Sample[] = []
  const race = async (start: () => Promise<Contender>, prefix: string, counts: readonly number[]) => {
    for (const count of counts) {
      const contender = await start()
      samples.push(...(await measure(contender, prefix, count, context)))
      await context.stage.end()
      context.say(`${contender.name}: ${count} channel${count === 1 ? '' : 's'}`)
    }
  }
  for (const count of channelCounts) {
    await race(() => bare('uws', context), '', [count])
    await race(() => natter('kept', 1, context), 'kept:', [count])
  }
  await race(() => natter('passing', 1, context), 'passing:', [1])
  await race(() => natter('kept', 2, context), 'kept:', [1])
  await race(() => bare('ws', context), '', [1])
  for (const nodes of [1, 2]) {
    const redis = await context.stage.redis()
    if (redis === undefined) context.skip('socket.io', 'there is no redis-server on the PATH')
    else await race(() => socketIo(nodes, context, redis), '', [1])
  }
  return samples
}

const bars: Bar[] = channelCounts.flatMap((channels) =>
  batches.map((batch) => ({
    what: `fan-out CPU per delivery, ${shapeOf(batch, channels)}: natter ÷ bare uWebSockets.js`,
    limit: 1.25,
    unit: '×',
    holds: 'at most',
    of: { contender: 'natter', shape: shapeOf(batch, channels), figure },
    baseline: { contender: 'uws', shape: shapeOf(batch, channels), figure },
  })),
)

export const fanOut: Bench = {
  name: 'fan-out',
  title: 'Fan-out: CPU per delivery',
  apps: ['gateway'],
  isPlaced: true,
  withinMs: 300_000,
  load: (isQuick) => {
    const { turnsPerSecond, seconds, warmUpSeconds } = pace(isQuick)
    return (
      `${subscribers} subscribers (${perDriver} per driver process), each of every channel; ${bytes} bytes of JSON; ` +
      `1 and 20 messages a turn, ${turnsPerSecond} turns a second for ${seconds} s, after ${warmUpSeconds} s of the same (ws and Socket.IO: fewer turns at 20)`
    )
  },
  inside: {
    natter:
      'the gateway process, all threads: reading NATS, the gap rule, the frame, the native topic, the socket writes. The channels are kept: JetStream stores and republishes, outside of what is counted',
    'natter, not kept': 'the same for channels that are not kept: published straight to the live subject',
    'natter, 2 nodes': 'both gateways together, 250 subscribers each',
    uws: 'the process with uWebSockets.js: building the message, app.publish, the socket writes. No broker',
    ws: 'the process with the ws package: building the message, a loop of send over a set of sockets. No broker',
    'socket.io':
      'one Socket.IO node: reading Redis through the adapter, encoding, writing. The emitting node is another process',
    'socket.io, 2 nodes': 'both receiving nodes together, 250 subscribers each',
  },
  bars,
  run,
}
