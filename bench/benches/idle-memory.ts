/**
 * Memory per idle connection: the slope of RSS between two counts of connections, so that what a process costs empty stays out.
 *
 * IM1. RSS is read after forced collections. The measured process is started with `--expose-gc` and a preload that collects when it
 *      is asked (harness/collect.mjs); nothing else is added to it.
 */
import { freePort } from '@natter/testing'
import type { Dialect } from '../clients/dialects.js'
import type { ConnectWish } from '../drivers/subscribers.js'
import type { Bench, Context } from '../harness/bench.js'
import type { Child } from '../harness/child.js'
import { socketKernelBytes, rssBytes } from '../harness/cpu.js'
import type { Bar, Sample } from '../harness/results.js'
import { tokenSecret } from '../harness/stage.js'

const figure = 'kilobytesPerConnection'
const perDriver = 3_000
const channelCount = 100

const counts = (isQuick: boolean) => (isQuick ? { from: 300, to: 1_500 } : { from: 3_000, to: 15_000 })

interface Contender {
  name: string
  shape: string
  dialect: Dialect
  child: Child
  port: number
  wish: Pick<ConnectWish, 'channels'> & Partial<ConnectWish>
}

const shared = `one of ${channelCount} channels`
const own = 'a channel of its own'
const collecting = ['--expose-gc', '--import', new URL('../harness/collect.mjs', import.meta.url).href]
const channels = Array.from({ length: channelCount }, (_, index) => `seen:idle-${index}`)

async function natter(shape: string, { stage }: Context): Promise<Contender> {
  const settings = { GATEWAY_MAX_CONNECTIONS: '16000' }
  const child = await stage.gateway(await stage.nats(), settings, { execArgv: collecting })
  const wish =
    shape === shared
      ? { channels, oneOfThem: true, secret: tokenSecret }
      : { channels: [], ownChannel: 'seen:own-', secret: tokenSecret }
  return { name: 'natter', shape, dialect: 'natter', child, port: child.port, wish }
}

async function peer(name: 'uws' | 'ws' | 'socket-io', redis: number, { stage }: Context): Promise<Contender> {
  const child = await stage.process(`contenders/${name}`, 'measured', { execArgv: collecting })
  const port = await freePort()
  await child.ask('listen', name === 'socket-io' ? { port, redis } : port)
  const dialect = name === 'socket-io' ? 'socket.io' : 'plain'
  const told = name === 'socket-io' ? 'socket.io' : name
  return { name: told, shape: shared, dialect, child, port, wish: { channels, oneOfThem: true } }
}

async function measure(contender: Contender, context: Context): Promise<Sample> {
  const { from, to } = counts(context.isQuick)
  const connect = connector(contender, context)
  await connect(from)
  const before = await settled(contender.child)
  await connect(to - from)
  const after = await settled(contender.child)
  const grown = { rss: after.rss - before.rss, kernel: after.kernel - before.kernel }
  const open = await connect(0)
  return {
    contender: contender.name,
    shape: contender.shape,
    expected: to,
    delivered: open,
    figures: {
      [figure]: grown.rss / 1024 / (to - from),
      kernelKilobytesPerPairOfSockets: grown.kernel / 1024 / (to - from),
      rssMegabytesAtEnd: after.rss / 2 ** 20,
    },
  }
}

/** Connects so many more, over drivers and source addresses of their own; answers how many are open. */
function connector(
  { dialect, port, wish }: Contender,
  { stage }: Context,
): (count: number) => Promise<number> {
  const drivers: Child[] = []
  return async (count) => {
    for (let left = count; left > 0; left -= perDriver) {
      const driver = await stage.process('drivers/subscribers', 'load')
      drivers.push(driver)
      const localAddress = `127.0.0.${1 + drivers.length}`
      const part = { ...wish, dialect, port, localAddress, count: Math.min(left, perDriver) }
      await driver.ask('connect', part satisfies ConnectWish)
    }
    const open = await Promise.all(drivers.map((driver) => driver.ask<number>('open')))
    return open.reduce((sum, one) => sum + one, 0)
  }
}

/** IM1. */
async function settled(child: Child): Promise<{ rss: number; kernel: number }> {
  for (let round = 0; round < 3; round += 1) await child.ask('collect')
  return { rss: rssBytes(child.pid), kernel: socketKernelBytes() }
}

async function run(context: Context): Promise<Sample[]> {
  const { stage } = context
  const samples: Sample[] = []
  const one = async (contender: Contender): Promise<void> => {
    samples.push(await measure(contender, context))
    context.say(`${contender.name}: ${contender.shape}`)
    await stage.end()
  }
  await one(await natter(shared, context))
  await one(await natter(own, context))
  await one(await peer('uws', 0, context))
  await one(await peer('ws', 0, context))
  const redis = await stage.redis()
  if (redis === undefined) context.skip('socket.io', 'there is no redis-server on the PATH')
  else await one(await peer('socket-io', redis, context))
  return samples
}

const bar = (shape: string, limit: number): Bar => ({
  what: `memory per idle connection, ${shape}`,
  limit,
  unit: 'KB',
  holds: 'at most',
  of: { contender: 'natter', shape, figure },
})

export const idleMemory: Bench = {
  name: 'idle-memory',
  title: 'Memory per idle connection',
  apps: ['gateway'],
  isPlaced: true,
  withinMs: 240_000,
  load: (isQuick) => {
    const { from, to } = counts(isQuick)
    return (
      `RSS at ${from} and at ${to} connections after forced collections; each with a token (claims and 100 bytes of info), ` +
      `presence on, subscribed to one of ${channelCount} kept channels, or to a kept channel of its own`
    )
  },
  inside: {
    natter: 'the gateway process: VmRSS. Ring, presence and claims included',
    uws: 'the bare process: a native socket with one topic, no token and no presence',
    ws: 'the process with the ws package: a socket in one set',
    'socket.io': 'one Socket.IO node with its Redis adapter: a socket in one room',
  },
  bars: [bar(shared, 4), bar(own, 8)],
  run,
}
