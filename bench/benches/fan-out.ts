/** CPU per delivery: from the broker (or from the loop, for the bare contenders) into the sockets of 500 subscribers. */
import { Subjects } from '@natter/broker'
import { freePort } from '@natter/testing'
import type { Bench, Context } from '../harness/bench.js'
import type { Bar, Sample } from '../harness/results.js'
import { figure, measure, pace, perDriver, subscribers, type Contender } from './fan-out-load.js'

const bytes = 200
const batches = [1, 20]
const channelCounts = [1, 10, 100]

const shapeOf = (batch: number, channels: number): string =>
  `${batch} a turn, ${channels} channel${channels === 1 ? '' : 's'}`

async function bare(name: 'uws' | 'ws', isBinary: boolean, { stage }: Context): Promise<Contender> {
  const child = await stage.process(`contenders/${name}`, 'measured')
  const port = await freePort()
  await child.ask('listen', port)
  const slowdown = name === 'ws' ? 5 : 1
  return {
    name: isBinary ? `${name}, binary` : name,
    isBinary,
    dialect: 'plain',
    nodes: [{ pid: child.pid, port }],
    publisher: child,
    subjectOf: (c) => c,
    slowdown,
  }
}

async function natter(
  kind: 'kept' | 'passing',
  nodes: number,
  dialect: 'natter' | 'natter-protobuf',
  { stage }: Context,
): Promise<Contender> {
  const nats = await stage.nats()
  const gateways = []
  for (let index = 0; index < nodes; index += 1) gateways.push(await stage.gateway(nats))
  const publisher = await stage.process('drivers/nats-publisher', 'load')
  await publisher.ask('connect', nats.url)
  const subjects = new Subjects('natter')
  const subjectOf = (channel: string): string =>
    kind === 'kept' ? subjects.stored(kind, channel) : subjects.live(kind, channel)
  const words = ['natter']
  if (dialect === 'natter-protobuf') words.push('Protobuf')
  if (kind === 'passing') words.push('not kept')
  if (nodes > 1) words.push(`${nodes} nodes`)
  return { name: words.join(', '), dialect, nodes: gateways, publisher, subjectOf, slowdown: 1 }
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

async function run(context: Context): Promise<Sample[]> {
  const samples: Sample[] = []
  const race = async (start: () => Promise<Contender>, prefix: string, counts: readonly number[]) => {
    for (const count of counts) {
      const contender = await start()
      const name = (batch: number): string => shapeOf(batch, count)
      samples.push(...(await measure(contender, { prefix, channels: count, batches, bytes, name }, context)))
      await context.stage.end()
      context.say(`${contender.name}: ${count} channel${count === 1 ? '' : 's'}`)
    }
  }
  for (const count of channelCounts) {
    await race(() => bare('uws', false, context), '', [count])
    await race(() => natter('kept', 1, 'natter', context), 'kept:', [count])
    await race(() => bare('uws', true, context), '', [count])
    await race(() => natter('kept', 1, 'natter-protobuf', context), 'kept:', [count])
  }
  await race(() => natter('passing', 1, 'natter', context), 'passing:', [1])
  await race(() => natter('kept', 2, 'natter', context), 'kept:', [1])
  await race(() => bare('ws', false, context), '', [1])
  for (const nodes of [1, 2]) {
    const redis = await context.stage.redis()
    if (redis === undefined) context.skip('socket.io', 'there is no redis-server on the PATH')
    else await race(() => socketIo(nodes, context, redis), '', [1])
  }
  return samples
}

const barsOf = (encoding: string, contender: string, baseline: string): Bar[] =>
  channelCounts.flatMap((channels) =>
    batches.map((batch) => ({
      what: `fan-out CPU per delivery, ${encoding}, ${shapeOf(batch, channels)}: natter ÷ bare uWebSockets.js`,
      limit: 1.25,
      unit: '×',
      holds: 'at most',
      of: { contender, shape: shapeOf(batch, channels), figure },
      baseline: { contender: baseline, shape: shapeOf(batch, channels), figure },
    })),
  )

const bars = [...barsOf('JSON', 'natter', 'uws'), ...barsOf('Protobuf', 'natter, Protobuf', 'uws, binary')]

export const fanOut: Bench = {
  name: 'fan-out',
  title: 'Fan-out: CPU per delivery',
  apps: ['gateway'],
  isPlaced: true,
  withinMs: 420_000,
  load: (isQuick) => {
    const { turnsPerSecond, seconds, warmUpSeconds } = pace(isQuick)
    return (
      `${subscribers} subscribers (${perDriver} per driver process), each of every channel; ${bytes} bytes of data; ` +
      `1 and 20 messages a turn, ${turnsPerSecond} turns a second for ${seconds} s, after ${warmUpSeconds} s of the same (ws and Socket.IO: fewer turns at 20)`
    )
  },
  inside: {
    natter:
      'the gateway process, all threads: reading NATS, the gap rule, the frame, the native topic, the socket writes. The channels are kept: JetStream stores and republishes, outside of what is counted',
    'natter, Protobuf':
      'the same, for clients that speak the binary encoding: 200 bytes of data in a Protobuf reply',
    'natter, not kept': 'the same for channels that are not kept: published straight to the live subject',
    'natter, 2 nodes': 'both gateways together, 250 subscribers each',
    uws: 'the process with uWebSockets.js: building the message, app.publish, the socket writes. No broker',
    'uws, binary': 'the same with binary messages of 200 bytes',
    ws: 'the process with the ws package: building the message, a loop of send over a set of sockets. No broker',
    'socket.io':
      'one Socket.IO node: reading Redis through the adapter, encoding, writing. The emitting node is another process',
    'socket.io, 2 nodes': 'both receiving nodes together, 250 subscribers each',
  },
  bars,
  run,
}
