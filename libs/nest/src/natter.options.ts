import { hostname } from 'node:os'
import { InvalidError } from '@natter/primitives'
import type { MeshDriver } from './driver/mesh-driver.js'
import { hostNodeVariable, type NatsDriverOptions } from './driver/nats/index.js'

/** What an application's own guards, pipes, interceptors and filters are, for {@link NatterOptions.globals}. */
export type EnhancerKind = 'guard' | 'pipe' | 'interceptor' | 'filter'

/** Where the mesh is. What `natsOptionsOf` of `@natter/config` makes of the settings fits. */
export interface NatterNatsOptions extends Omit<
  NatsDriverOptions,
  'app' | 'instance' | 'node' | 'urls' | 'prefix'
> {
  /** One address; or all of a cluster as `urls`. */
  url?: string
  urls?: readonly string[]
  /** The mesh's own, as its gateways have it. Default `natter`. */
  prefix?: string
}

export interface NatterOptions {
  /** The app's name: the same for all its instances and builds. Letters, digits, `-` and `_`. */
  app: string
  /** This instance's name, like no other's. Default: host, process id and a random part. */
  instance?: string
  /** Not needed where `driver` is given, or overridden. */
  nats?: NatterNatsOptions
  /** How long a drain waits for handlers in work. Default 10,000; 0 = not at all. */
  drainTimeoutMs?: number
  /**
   * Whether the application's global enhancers (`APP_*`, `useGlobal*`) work on the mesh's calls too. Default true. `false`, or a
   * predicate, is for HTTP applications whose globals need a request and a response.
   */
  globals?: boolean | ((enhancer: object, kind: EnhancerKind) => boolean)
  /** The way to the mesh, made by you: for tests. */
  driver?: MeshDriver
}

export interface ResolvedOptions {
  readonly app: string
  readonly instance: string
  /** The gateway that loads this app; undefined = it runs by itself. */
  readonly node: string | undefined
  readonly drainTimeoutMs: number
  readonly isGlobal: (enhancer: object, kind: EnhancerKind) => boolean
}

/** Injection token of the {@link MeshDriver}: override it to test against another mesh. */
export const MESH_DRIVER = Symbol('MESH_DRIVER')
/** Injection token of {@link ResolvedOptions}. */
export const RESOLVED_OPTIONS = Symbol('NATTER_RESOLVED_OPTIONS')

const known: readonly (keyof NatterOptions)[] = [
  'app',
  'instance',
  'nats',
  'drainTimeoutMs',
  'globals',
  'driver',
]
const name = /^[-\w]{1,64}$/

/** @throws InvalidError `bad-options`. */
export function resolveOptions(options: NatterOptions): ResolvedOptions {
  const stranger = Object.keys(options).find((key) => !known.includes(key as never))
  if (stranger !== undefined) refuse(`has no option "${stranger}"; it has ${known.join(', ')}`)
  const { app, instance = defaultInstance(), drainTimeoutMs = 10_000, globals = true } = options
  if (typeof app !== 'string' || !name.test(app))
    refuse("needs 'app', a name of letters, digits, '-' and '_'")
  if (!name.test(instance)) refuse("takes as 'instance' a name of letters, digits, '-' and '_'")
  if (!(drainTimeoutMs >= 0)) refuse("takes as 'drainTimeoutMs' milliseconds, 0 or more")
  const node = process.env[hostNodeVariable] || undefined
  return {
    app,
    instance,
    node,
    drainTimeoutMs,
    isGlobal: typeof globals === 'function' ? globals : () => globals,
  }
}

/** @throws InvalidError `bad-options`: no address. */
export function natsOptions({ nats }: NatterOptions): Omit<NatsDriverOptions, 'app' | 'instance' | 'node'> {
  const { url, urls = url === undefined ? [] : [url], prefix = 'natter', ...rest } = nats ?? {}
  if (urls.length === 0) refuse("needs the address of NATS: nats: { url: 'nats://…' }")
  return { ...rest, urls, prefix }
}

function defaultInstance(): string {
  const host = hostname()
    .replaceAll(/[^-\w]/g, '-')
    .slice(0, 40)
  return `${host}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`
}

function refuse(why: string): never {
  throw new InvalidError('bad-options', `NatterModule.forRoot ${why}.`)
}
