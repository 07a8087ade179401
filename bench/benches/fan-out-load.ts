/**
 * A fan-out under load: subscribers of every channel, and what delivering to them costs.
 *
 * FO1. The window opens after a warm-up of the same load and closes when the last delivery was read. The warm-up is as long as the
 *      window at least: it is the compiled code that is compared, not the compiler.
 */
import type { Dialect } from '../clients/dialects.js'
import type { PublishLoad } from '../contenders/loads.js'
import type { ConnectWish, Received } from '../drivers/subscribers.js'
import type { Context } from '../harness/bench.js'
import type { Child } from '../harness/child.js'
import { stopwatch } from '../harness/cpu.js'
import type { Sample } from '../harness/results.js'

export const subscribers = 500
export const perDriver = 250
export const figure = 'cpuPerDeliveryUs'

export interface Pace {
  turnsPerSecond: number
  seconds: number
  warmUpSeconds: number
}

export const pace = (isQuick: boolean): Pace =>
  isQuick
    ? { turnsPerSecond: 20, seconds: 0.5, warmUpSeconds: 0.2 }
    : { turnsPerSecond: 50, seconds: 1.6, warmUpSeconds: 2 }

/** What stands ready to be loaded: its nodes are measured, subscribers are spread over them. */
export interface Contender {
  name: string
  dialect: Dialect
  nodes: { pid: number; port: number }[]
  publisher: Child
  /** What the publisher calls a channel. */
  subjectOf(channel: string): string
  /** Slower ones get fewer turns at 20 messages, or they would be measured while they drown. */
  slowdown: number
  /** Of the subscribers: patches in place of whole publications. */
  delta?: boolean
  /** Of the bare one. */
  isBinary?: boolean
}

export interface Shape {
  prefix: string
  channels: number
  batches: readonly number[]
  bytes: number
  /** In words. */
  name(batch: number): string
}

/** Connects the subscribers, and measures each batch. */
export async function measure(
  contender: Contender,
  shape: Shape,
  { stage, isQuick }: Context,
): Promise<Sample[]> {
  const channels = Array.from({ length: shape.channels }, (_, index) => `${shape.prefix}fan-${index}`)
  const { dialect, nodes, delta } = contender
  const wish = { dialect, count: perDriver, channels, ...(delta === undefined ? {} : { delta }) }
  const drivers = await Promise.all(
    Array.from({ length: subscribers / perDriver }, async (_, index) => {
      const port = nodes[index % nodes.length]?.port ?? 0
      const driver = await stage.process('drivers/subscribers', 'load')
      await driver.ask('connect', { ...wish, port } satisfies ConnectWish)
      return driver
    }),
  )
  const samples: Sample[] = []
  for (const batch of shape.batches)
    samples.push(await window(contender, drivers, { ...shape, subjects: channels }, batch, pace(isQuick)))
  await Promise.all(drivers.map((driver) => driver.end()))
  return samples
}

async function window(
  contender: Contender,
  drivers: readonly Child[],
  { subjects, bytes, name }: Shape & { subjects: readonly string[] },
  batch: number,
  { turnsPerSecond, seconds, warmUpSeconds }: Pace,
): Promise<Sample> {
  const perSecond = batch === 1 ? turnsPerSecond : turnsPerSecond / contender.slowdown
  const load = (forSeconds: number): PublishLoad => ({
    channels: subjects.map((channel) => contender.subjectOf(channel)),
    bytes,
    batch,
    turns: Math.max(1, Math.round(perSecond * forSeconds)),
    perSecond,
    ...(contender.isBinary === undefined ? {} : { isBinary: contender.isBinary }),
  })
  await deliver(contender, drivers, load(warmUpSeconds))
  const used = stopwatch(contender.nodes.map(({ pid }) => pid)) // FO1
  const { delivered, expected, perRead, payloadBytes } = await deliver(contender, drivers, load(seconds))
  const cpu = used().reduce((sum, one) => sum + one, 0)
  const figures = {
    [figure]: cpu / delivered,
    bytesPerDelivery: payloadBytes / delivered,
    cpuMs: cpu / 1000,
    perRead,
    turnsPerSecond: perSecond,
  }
  return { contender: contender.name, shape: name(batch), expected, delivered, figures }
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
    payloadBytes: total((one) => one.payloadBytes),
  }
}
