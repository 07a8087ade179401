/**
 * A load from this process, bounded, on a mesh that runs.
 *
 * BE1. It ends by itself: publishing after its duration, waiting some seconds after that, and closes all that it opened.
 * BE2. A latency counts from when a publication was due, not from when this process got to it: being late is part of what is measured.
 */
import { InvalidError, UnavailableError } from '@natter/primitives'
import { Centrifuge } from 'centrifuge'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { exitCodes, UsageError } from '../cli/command.js'
import type { Given } from '../cli/given.js'
import { pairs, type Terminal } from '../cli/terminal.js'
import { gatewayAddress } from '../mesh/process-specs.js'
import { planPorts } from '../port-plan.js'
import * as flags from './bench-table.js'
import { endingOnSignals } from './end-on-signals.js'
import type { Handler } from './handler.js'
import { basePortOf } from './local-mesh.js'
import { Latencies } from './latencies.js'
import { tokenFor } from './token.js'

/** More deliveries a second would measure this process alone. */
const maxDeliveries = 20_000
const connectTimeoutMs = 10_000
const lastArrivalsMs = 5_000
/** Handshakes under way at once: a storm of them is another measurement. */
const connectsAtOnce = 20

interface Plan {
  urls: readonly string[]
  channel: string
  clients: number
  rate: number
  durationMs: number
  bytes: number
  token: string | undefined
}

export const bench: Handler = async (given, terminal) => {
  const plan = await planOf(given, terminal)
  let isWhole = false
  await endingOnSignals(terminal, async () => {
    isWhole = await run(plan, terminal)
  })
  return isWhole ? exitCodes.done : exitCodes.failed
}

async function planOf(given: Given, terminal: Terminal): Promise<Plan> {
  const [clients, rate] = [given.of(flags.clients), given.of(flags.rate)]
  if (clients * rate > maxDeliveries)
    throw new UsageError(
      [
        `${clients} clients at ${rate} a second are ${clients * rate} deliveries: one process takes ${maxDeliveries}. Lower --clients or --rate.`,
      ],
      given.name,
    )
  const ports = planPorts(basePortOf(terminal))
  const named = given.all(flags.gatewayUrl)
  const user = given.of(flags.user)
  return {
    urls: named.length > 0 ? named : [gatewayAddress(ports['gateway-1']), gatewayAddress(ports['gateway-2'])],
    channel: given.of(flags.channel) ?? `live:bench-${randomBytes(4).toString('hex')}`,
    clients,
    rate,
    durationMs: given.of(flags.lasts),
    bytes: given.of(flags.size),
    token: user === undefined ? undefined : await tokenFor(user, given, terminal),
  }
}

async function run(plan: Plan, terminal: Terminal): Promise<boolean> {
  const opened: Centrifuge[] = []
  try {
    const load = new Load(plan)
    const beganAtMs = performance.now()
    const publisher = await connectAll(plan, load, opened, terminal.signal)
    const connectMs = performance.now() - beganAtMs
    await load.publish(publisher, terminal.signal)
    await load.lastArrivals(terminal.signal)
    const result = load.result(connectMs)
    terminal.show(result, textOf(plan, result))
    return result.missing === 0 && result.refused === 0
  } finally {
    for (const one of opened) one.disconnect() // BE1
  }
}

/** Answers the publisher. */
async function connectAll(
  plan: Plan,
  load: Load,
  opened: Centrifuge[],
  signal: AbortSignal,
): Promise<Centrifuge> {
  const left = Array.from({ length: plan.clients }, (_, index) => index)
  const connectSome = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      signal.throwIfAborted()
      const client = open(plan, next, opened)
      client.on('disconnected', () => load.lost())
      client.on('connecting', ({ code }) => code > 0 && load.lost())
      await subscribe(client, plan.channel, load)
    }
  }
  await Promise.all(Array.from({ length: Math.min(connectsAtOnce, plan.clients) }, connectSome))
  const publisher = open(plan, 0, opened)
  await ready(publisher, plan)
  return publisher
}

function open({ urls, token }: Plan, index: number, opened: Centrifuge[]): Centrifuge {
  const client = new Centrifuge(urls[index % urls.length] as string, {
    websocket: globalThis.WebSocket,
    ...(token === undefined ? {} : { token }),
  })
  opened.push(client)
  client.connect()
  return client
}

async function subscribe(client: Centrifuge, channel: string, load: Load): Promise<void> {
  const subscription = client.newSubscription(channel)
  const refused = new Promise<never>((_, reject) => {
    subscription.once('unsubscribed', ({ code, reason }) =>
      reject(
        new InvalidError(
          'bench-refused',
          `Nobody may subscribe to ${channel} so: ${reason} (${code}). --channel and --user say another way.`,
        ),
      ),
    )
    client.once('disconnected', ({ code, reason }) =>
      reject(
        new InvalidError(
          'bench-refused',
          `The gateway closed the connection: ${reason} (${code}). --user connects with a token.`,
        ),
      ),
    )
  })
  refused.catch(() => {}) // of one that is closed at the end
  subscription.on('publication', ({ data }) => load.arrived(data))
  subscription.subscribe()
  await Promise.race([subscription.ready(connectTimeoutMs), refused]).catch((error: unknown) => {
    throw error instanceof InvalidError ? error : unreached(error)
  })
}

async function ready(client: Centrifuge, { urls }: Plan): Promise<void> {
  await client.ready(connectTimeoutMs).catch((error: unknown) => {
    throw unreached(error, urls)
  })
}

const unreached = (cause: unknown, urls: readonly string[] = []): UnavailableError =>
  new UnavailableError(
    'bench-unreachable',
    `No gateway answers${urls.length > 0 ? ` at ${urls.join(', ')}` : ''} within ${connectTimeoutMs / 1000} s. --url says where one is.`,
    { cause },
  )

interface Result {
  clients: number
  connectMs: number
  published: number
  refused: number
  expected: number
  delivered: number
  missing: number
  deliveriesPerSecond: number
  interruptions: number
  latencyMs: ReturnType<Latencies['percentiles']>
}

class Load {
  private readonly latencies = new Latencies()
  private readonly dueAtMs: number[] = []
  private published = 0
  private refused = 0
  private delivered = 0
  private interruptions = 0
  private tookMs = 0
  private isEnding = false
  private onArrival: () => void = () => {}

  constructor(private readonly plan: Plan) {}

  lost(): void {
    if (!this.isEnding) this.interruptions += 1
  }

  arrived(data: unknown): void {
    const dueAtMs = this.dueAtMs[(data as { i?: number } | null)?.i ?? -1]
    if (dueAtMs === undefined) return // somebody else's
    this.latencies.add(performance.now() - dueAtMs)
    this.delivered += 1
    this.onArrival()
  }

  async publish(publisher: Centrifuge, signal: AbortSignal): Promise<void> {
    const { rate, durationMs, channel, bytes } = this.plan
    const total = Math.max(1, Math.round((durationMs / 1000) * rate))
    const beganAtMs = performance.now()
    const answers: Promise<void>[] = []
    for (let i = 0; i < total && !signal.aborted; i += 1) {
      const due = beganAtMs + (i * 1000) / rate
      const early = due - performance.now()
      if (early > 1) await sleep(early, undefined, { signal }).catch(() => {})
      this.dueAtMs.push(due) // BE2
      answers.push(this.publishOne(publisher, channel, { i, pad: 'x'.repeat(Math.max(0, bytes - 24)) }))
    }
    await Promise.all(answers)
    this.tookMs = performance.now() - beganAtMs
  }

  private async publishOne(publisher: Centrifuge, channel: string, data: object): Promise<void> {
    try {
      await publisher.publish(channel, data)
      this.published += 1
    } catch {
      this.refused += 1
    }
  }

  private get expected(): number {
    return this.published * this.plan.clients
  }

  /** BE1 */
  async lastArrivals(signal: AbortSignal): Promise<void> {
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(lastArrivalsMs)])
    await new Promise<void>((resolve) => {
      this.onArrival = () => {
        if (this.delivered >= this.expected) resolve()
      }
      timeout.addEventListener('abort', () => resolve(), { once: true })
      this.onArrival()
    })
    this.isEnding = true
  }

  result(connectMs: number): Result {
    const { published, refused, delivered, expected, interruptions } = this
    return {
      clients: this.plan.clients,
      connectMs: Math.round(connectMs),
      published,
      refused,
      expected,
      delivered,
      missing: Math.max(0, expected - delivered),
      deliveriesPerSecond: Math.round(delivered / (this.tookMs / 1000)),
      interruptions,
      latencyMs: this.latencies.percentiles(),
    }
  }
}

function textOf({ channel, urls }: Plan, result: Result): string {
  const { p50, p90, p99, max } = result.latencyMs
  const rows: [string, string][] = [
    [
      'clients',
      `${result.clients}, connected in ${(result.connectMs / 1000).toFixed(1)} s, over ${urls.length} gateway${urls.length === 1 ? '' : 's'}`,
    ],
    [
      'published',
      `${result.published} to ${channel}${result.refused > 0 ? `; ${result.refused} refused` : ''}`,
    ],
    ['delivered', `${result.delivered} of ${result.expected}, ${result.deliveriesPerSecond} a second`],
    ['latency', `p50 ${p50} ms, p90 ${p90} ms, p99 ${p99} ms, max ${max} ms`],
    ...(result.interruptions > 0
      ? ([['interrupted', `${result.interruptions} times a connection was lost`]] as [string, string][])
      : []),
  ]
  return `${pairs(rows)}\n\nFrom when a publication was due to when a subscriber had it, all in this one process.`
}
