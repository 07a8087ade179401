/**
 * CPU per acknowledged publish: through a gateway from WebSocket clients, through libs/broker alone, and by a bare publisher, all into
 * the same stream of the same server.
 *
 * DP1. All keep about the same number in flight, so that none is slow only because it waits.
 * DP2. The stream is the one that gateways make: the bare publisher writes its subjects, with its republishing.
 * DP3. What WebSocket clients cost whoever serves them is told as well: a gateway can't be cheaper than the two libraries under it.
 */
import { Subjects } from '@natter/broker'
import { freePort, type NatsServer } from '@natter/testing'
import type { BareGatewayWish } from '../contenders/bare-gateway.js'
import type { PublishWish } from '../contenders/broker-publisher.js'
import type { PipelineEnd } from '../contenders/pipeline.js'
import type { ClosedLoop, PublishersWish } from '../drivers/publishing-clients.js'
import type { Bench, Context } from '../harness/bench.js'
import { stopwatch } from '../harness/cpu.js'
import type { Bar, Sample } from '../harness/results.js'
import { tokenSecret } from '../harness/stage.js'

const clients = 100
const inFlight = 1_000
const bytes = 200
const shape = `${bytes} bytes, ${inFlight} in flight`

interface Counts {
  warmUp: number
  direct: number
  throughGateway: number
}

const counts = (isQuick: boolean): Counts =>
  isQuick
    ? { warmUp: 2_000, direct: 10_000, throughGateway: 5_000 }
    : { warmUp: 40_000, direct: 300_000, throughGateway: 120_000 }

/** Publishes `count` and answers how many were acknowledged, in which time. */
type Publish = (count: number) => Promise<{ done: number; tookMs: number }>

async function sampleOf(
  contender: string,
  pids: { publisher: number; server: number },
  count: number,
  publish: Publish,
): Promise<Sample> {
  const used = stopwatch([pids.publisher, pids.server])
  const { done, tookMs } = await publish(count)
  const [cpu = 0, serverCpu = 0] = used()
  const figures = {
    cpuPerAckUs: cpu / done,
    acksPerSecond: (done / tookMs) * 1000,
    natsServerCpuPerAckUs: serverCpu / done,
  }
  return { contender, shape, expected: count, delivered: done, figures }
}

async function direct(
  contender: string,
  nats: NatsServer,
  { stage, isQuick }: Context,
  options: { lib?: string; meta?: string },
): Promise<Sample> {
  const { lib, meta } = options
  const child = await stage.process('contenders/broker-publisher', 'measured')
  await child.ask('connect', { url: nats.url, ...(lib === undefined ? {} : { lib }) })
  const subject = new Subjects('natter').stored('kept', 'kept:bench')
  const publish: Publish = async (count) => {
    const wish = { subjects: [subject], bytes, count, inFlight, ...(meta === undefined ? {} : { meta }) }
    const end = await child.ask<PipelineEnd>('publish', wish satisfies PublishWish)
    if (end.firstError !== undefined) throw new Error(end.firstError)
    return end
  }
  await publish(counts(isQuick).warmUp)
  const pids = { publisher: child.pid, server: nats.pid }
  const sample = await sampleOf(contender, pids, counts(isQuick).direct, publish)
  await child.end()
  return sample
}

async function bareGateway(nats: NatsServer, context: Context): Promise<Sample> {
  const child = await context.stage.process('contenders/bare-gateway', 'measured')
  const port = await freePort()
  const subject = new Subjects('natter').stored('kept', 'kept:bench')
  await child.ask('listen', { url: nats.url, subject, port } satisfies BareGatewayWish)
  const sample = await fromClients(
    'bare uWebSockets.js and JetStream',
    nats,
    { pid: child.pid, port },
    context,
  )
  await child.end()
  return sample
}

async function throughGateway(nats: NatsServer, context: Context): Promise<Sample> {
  const gateway = await context.stage.gateway(nats)
  const sample = await fromClients('gateway', nats, gateway, context)
  await gateway.end()
  return sample
}

/** WebSocket clients publish through a process that serves them. */
async function fromClients(
  contender: string,
  nats: NatsServer,
  served: { pid: number; port: number },
  { stage, isQuick }: Context,
): Promise<Sample> {
  const driver = await stage.process('drivers/publishing-clients', 'load')
  await driver.ask('connect', {
    dialect: 'natter',
    port: served.port,
    clients,
    secret: tokenSecret,
  } satisfies PublishersWish)
  const channels = Array.from({ length: clients }, (_, index) => `kept:bench-${index}`)
  const publish: Publish = (count) =>
    driver.ask('closedLoop', { channels, bytes, inFlight: inFlight / clients, count } satisfies ClosedLoop)
  await publish(counts(isQuick).warmUp)
  const pids = { publisher: served.pid, server: nats.pid }
  const sample = await sampleOf(contender, pids, counts(isQuick).throughGateway, publish)
  await driver.end()
  return sample
}

async function run(context: Context): Promise<Sample[]> {
  const { stage, say } = context
  const nats = await stage.nats()
  await (await stage.gateway(nats)).end() // DP2: it made the stream
  const lib = stage.built.lib('broker')
  const samples = [await direct('bare JetStream', nats, context, {})]
  say('bare JetStream')
  samples.push(await direct('libs/broker', nats, context, { lib }))
  const meta = '{"k":"json","i":{"u":"publisher-1","c":"0b6c2a2e-3f3c-4a53-9d5c-0f2f6d1c7a55"}}'
  samples.push(await direct('libs/broker, with metadata', nats, context, { lib, meta }))
  say('libs/broker')
  samples.push(await bareGateway(nats, context))
  say('bare uWebSockets.js and JetStream')
  samples.push(await throughGateway(nats, context))
  say('gateway')
  return samples
}

const ratio = (bar: Pick<Bar, 'what' | 'limit' | 'holds'>, contender: string, figure: string): Bar => ({
  ...bar,
  unit: '×',
  of: { contender, shape, figure },
  baseline: { contender: 'bare JetStream', shape, figure },
})

export const durablePublish: Bench = {
  name: 'durable-publish',
  title: 'Durable publish, acknowledged',
  apps: ['gateway'],
  isPlaced: true,
  withinMs: 180_000,
  load: (isQuick) => {
    const { direct: alone, throughGateway: through } = counts(isQuick)
    return (
      `${bytes} bytes of JSON, ${inFlight} in flight: ${alone} publications by one process, ` +
      `${through} by ${clients} WebSocket clients with ${inFlight / clients} each in flight; file storage, republishing on`
    )
  },
  inside: {
    'bare JetStream':
      'one process with @nats-io/transport-node: publish with a reply subject, the acknowledgement parsed, a callback; no headers, no promises',
    'libs/broker': 'one process calling log.append of the built lib, without metadata',
    'libs/broker, with metadata': 'the same with the metadata header that gateways write',
    'bare uWebSockets.js and JetStream':
      'one process with both libraries: the id and the data of a frame by their places, published with a reply subject, the acknowledgement parsed, one reply frame per client and turn; no check, no permission, no metadata',
    gateway:
      'the gateway process: reading the frame, the permission, the check of the JSON, the append, the reply. Nobody is subscribed',
  },
  bars: [
    ratio(
      { what: 'gateway CPU per acknowledged publish ÷ bare', limit: 2, holds: 'at most' },
      'gateway',
      'cpuPerAckUs',
    ),
    ratio(
      { what: 'rate through libs/broker ÷ bare', limit: 0.6, holds: 'at least' },
      'libs/broker',
      'acksPerSecond',
    ),
    ratio(
      { what: 'rate through libs/broker with metadata ÷ bare', limit: 0.6, holds: 'at least' },
      'libs/broker, with metadata',
      'acksPerSecond',
    ),
  ],
  run,
}
