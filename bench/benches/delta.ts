/**
 * What a patch saves, and what it costs: the same document, of which each publication changes two numbers, delivered whole and as
 * patches. The bare loop delivers it whole.
 */
import { Subjects } from '@natter/broker'
import { freePort } from '@natter/testing'
import type { Bench, Context } from '../harness/bench.js'
import type { Bar, Sample } from '../harness/results.js'
import { measure, pace, perDriver, subscribers, type Contender } from './fan-out-load.js'

const sizes = [200, 2_000]
const batches = [1, 20]

const shapeOf = (batch: number, bytes: number): string => `${batch} a turn, ${bytes} bytes`

async function bare({ stage }: Context): Promise<Contender> {
  const child = await stage.process('contenders/uws', 'measured')
  const port = await freePort()
  await child.ask('listen', port)
  const nodes = [{ pid: child.pid, port }]
  return {
    name: 'uws',
    dialect: 'plain',
    nodes,
    publisher: child,
    subjectOf: (channel) => channel,
    slowdown: 1,
  }
}

async function natter(
  dialect: 'natter' | 'natter-protobuf',
  delta: boolean,
  { stage }: Context,
): Promise<Contender> {
  const nats = await stage.nats()
  const nodes = [await stage.gateway(nats)]
  const publisher = await stage.process('drivers/nats-publisher', 'load')
  await publisher.ask('connect', nats.url)
  const subjects = new Subjects('natter')
  const encoding = dialect === 'natter' ? 'JSON' : 'Protobuf'
  const name = `natter, ${encoding}, ${delta ? 'patches' : 'whole'}`
  const subjectOf = (channel: string): string => subjects.stored('patched', channel)
  return { name, dialect, nodes, publisher, subjectOf, slowdown: 1, delta }
}

async function run(context: Context): Promise<Sample[]> {
  const samples: Sample[] = []
  const race = async (start: () => Promise<Contender>, prefix: string, bytes: number) => {
    const contender = await start()
    const name = (batch: number): string => shapeOf(batch, bytes)
    samples.push(...(await measure(contender, { prefix, channels: 1, batches, bytes, name }, context)))
    await context.stage.end()
    context.say(`${contender.name}: ${bytes} bytes`)
  }
  for (const bytes of sizes) {
    await race(() => bare(context), '', bytes)
    for (const dialect of ['natter', 'natter-protobuf'] as const)
      for (const delta of [false, true]) await race(() => natter(dialect, delta, context), 'patched:', bytes)
  }
  return samples
}

/** No bar of the design: that a patch is worth its name is the least that can be asked. */
const bars: Bar[] = ['JSON', 'Protobuf'].map((encoding) => ({
  what: `bytes of a delivery, ${encoding}, ${shapeOf(1, 2_000)}: patches ÷ whole`,
  limit: 0.2,
  unit: '×',
  holds: 'at most',
  of: { contender: `natter, ${encoding}, patches`, shape: shapeOf(1, 2_000), figure: 'bytesPerDelivery' },
  baseline: { contender: `natter, ${encoding}, whole`, shape: shapeOf(1, 2_000), figure: 'bytesPerDelivery' },
}))

const inGateway = 'the gateway process, all threads, as in the fan-out'

export const delta: Bench = {
  name: 'delta',
  title: 'Delta: CPU and bytes per delivery',
  apps: ['gateway'],
  isPlaced: true,
  withinMs: 300_000,
  load: (isQuick) => {
    const { turnsPerSecond, seconds, warmUpSeconds } = pace(isQuick)
    return (
      `${subscribers} subscribers of one channel (${perDriver} per driver process); a document of 200 or 2000 bytes of which each ` +
      `publication changes two numbers; 1 and 20 a turn, ${turnsPerSecond} turns a second for ${seconds} s, after ${warmUpSeconds} s of the same`
    )
  },
  inside: {
    uws: 'the process with uWebSockets.js: building the document, app.publish, the socket writes. No broker',
    'natter, JSON, whole': inGateway,
    'natter, JSON, patches': `${inGateway}, and computing the patch, once for all subscribers; bytes are those of the frames' payload`,
    'natter, Protobuf, whole': `${inGateway}; the binary encoding`,
    'natter, Protobuf, patches': `${inGateway}; the binary encoding, and computing the patch`,
  },
  bars,
  run,
}
