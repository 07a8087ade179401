/** A load from this process, bounded, on a mesh that runs. */
import { randomBytes } from 'node:crypto'
import { Clients, type ClientsPlan } from '../bench/clients.js'
import { Load, type LoadPlan, type LoadResult } from '../bench/load.js'
import { exitCodes, UsageError } from '../cli/command.js'
import type { Given } from '../cli/given.js'
import { pairs, type Terminal } from '../cli/terminal.js'
import { gatewayAddress } from '../mesh/process-specs.js'
import { planPorts } from '../port-plan.js'
import * as flags from './bench-table.js'
import { endingOnSignals } from './end-on-signals.js'
import type { Action } from './action.js'
import { basePortOf } from './local-mesh.js'
import { tokenFor } from './token.js'

/** More deliveries a second would measure this process alone. */
const maxDeliveries = 20_000

type Plan = ClientsPlan & LoadPlan

interface Result extends LoadResult {
  readonly clients: number
  readonly connectMs: number
  /** Times that a connection was lost. */
  readonly interruptions: number
}

export const bench: Action = async (given, terminal) => {
  const plan = await planOf(given, terminal)
  let isWhole = false
  await endingOnSignals(terminal, async () => {
    const result = await run(plan, terminal)
    terminal.show(result, textOf(plan, result))
    isWhole = result.missing === 0 && result.refused === 0
  })
  return isWhole ? exitCodes.done : exitCodes.failed
}

async function planOf(given: Given, terminal: Terminal): Promise<Plan> {
  const [clients, rate] = [given.of(flags.clients), given.of(flags.rate)]
  if (clients * rate > maxDeliveries) {
    const sentence = `${clients} clients at ${rate} a second are ${clients * rate} deliveries: one process takes ${maxDeliveries}. Lower --clients or --rate.`
    throw new UsageError([sentence], given.name)
  }
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

async function run(plan: Plan, { signal }: Terminal): Promise<Result> {
  const load = new Load(plan)
  let interruptions = 0
  const clients = new Clients(plan, {
    onPublication: (data) => load.arrived(data),
    onInterruption: () => (interruptions += 1),
  })
  signal.addEventListener('abort', () => clients.close(), { once: true })
  try {
    const beganAtMs = performance.now()
    const publisher = await clients.open()
    const connectMs = Math.round(performance.now() - beganAtMs)
    const result = await load.run(publisher, signal)
    return { clients: plan.clients, connectMs, interruptions, ...result }
  } finally {
    clients.close()
  }
}

function textOf({ channel, urls }: Plan, result: Result): string {
  const { p50, p90, p99, max } = result.latencyMs
  const seconds = (result.connectMs / 1000).toFixed(1)
  const gateways = urls.length === 1 ? 'one gateway' : `${urls.length} gateways`
  const rows: [string, string][] = [
    ['clients', `${result.clients}, connected in ${seconds} s, over ${gateways}`],
    [
      'published',
      `${result.published} to ${channel}${result.refused > 0 ? `; ${result.refused} refused` : ''}`,
    ],
    ['delivered', `${result.delivered} of ${result.expected}, ${result.deliveriesPerSecond} a second`],
    ['latency', `p50 ${p50} ms, p90 ${p90} ms, p99 ${p99} ms, max ${max} ms`],
    ['interrupted', `${result.interruptions} times a connection was lost`],
  ]
  return `${pairs(rows)}\n\nFrom when a publication was due to when a subscriber had it, all in this one process.`
}
