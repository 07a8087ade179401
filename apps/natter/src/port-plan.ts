/** Everything listens here: a laptop's mesh is for the laptop. */
export const host = '127.0.0.1'

export const defaultBasePort = 8000

/** The highest offset in the plan; a base port must leave room for it. */
const highestOffset = 33

export interface PlannedPort {
  /** Key in the plan. */
  name: string
  offset: number
  /** Who listens and what for, as a busy port is reported and as README says it. */
  purpose: string
  /** Only in `npm run dev`. */
  devOnly?: true
  /** Not needed when NATTER_NATS_URL or NATTER_POSTGRES_URL names a server. */
  embedded?: 'nats' | 'postgres'
}

/** The one declaration of all ports of a laptop's mesh, counted from one base. */
export const plannedPorts = [
  { name: 'page', offset: 0, purpose: "the messenger's page" },
  { name: 'gateway-1', offset: 1, purpose: 'gateway-1, for clients' },
  { name: 'gateway-2', offset: 2, purpose: 'gateway-2, for clients' },
  { name: 'gateway-1-api', offset: 3, purpose: 'gateway-1, the server API' },
  { name: 'gateway-2-api', offset: 4, purpose: 'gateway-2, the server API' },
  { name: 'messenger-ops', offset: 10, purpose: 'messenger, /health and /metrics' },
  { name: 'gateway-1-ops', offset: 11, purpose: 'gateway-1, /health and /metrics' },
  { name: 'gateway-2-ops', offset: 12, purpose: 'gateway-2, /health and /metrics' },
  { name: 'persistence-ops', offset: 13, purpose: 'persistence, /health and /metrics' },
  { name: 'supervisor-ops', offset: 19, purpose: 'supervisor, /health and /metrics' },
  { name: 'nats', offset: 20, purpose: 'the embedded NATS', embedded: 'nats' },
  { name: 'postgres', offset: 21, purpose: 'the embedded Postgres', embedded: 'postgres' },
  { name: 'messenger-inspect', offset: 30, purpose: 'messenger, inspector', devOnly: true },
  { name: 'gateway-1-inspect', offset: 31, purpose: 'gateway-1, inspector', devOnly: true },
  { name: 'gateway-2-inspect', offset: 32, purpose: 'gateway-2, inspector', devOnly: true },
  { name: 'persistence-inspect', offset: 33, purpose: 'persistence, inspector', devOnly: true },
] as const satisfies readonly PlannedPort[]

export type PortName = (typeof plannedPorts)[number]['name']

export type PortPlan = Record<PortName, number>

export const highestBasePort = 65_535 - highestOffset

export function planPorts(basePort: number): PortPlan {
  return Object.fromEntries(plannedPorts.map(({ name, offset }) => [name, basePort + offset])) as PortPlan
}

export interface PortUse {
  dev: boolean
  /** The servers that the run starts itself. */
  embedded: readonly ('nats' | 'postgres')[]
}

/** The ports a run really uses. */
export function usedPorts(use: PortUse): readonly PlannedPort[] {
  const all: readonly PlannedPort[] = plannedPorts
  return all.filter(
    ({ devOnly, embedded }) =>
      (use.dev || !devOnly) && (embedded === undefined || use.embedded.includes(embedded)),
  )
}
