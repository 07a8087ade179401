/**
 * What one run of a bench stands on: servers, gateways, contenders and drivers.
 *
 * SG1. Everything started here ends with `end`, in the reverse order, also after a failure; and with the bench's process if that is
 *      killed, but for servers that don't listen to us, which die on an ordinary exit.
 * SG2. A stage that was closed takes nothing more: a run that was given up can't leave anything behind later.
 */
import {
  freePort,
  startNatsServer,
  startPostgres,
  startProcess,
  type NatsServer,
  type PostgresServer,
} from '@natter/testing'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Built } from './build.js'
import { startChild, type Child, type ChildOptions } from './child.js'
import type { Placement, Role } from './placement.js'

export const tokenSecret = 'a secret of the benches, worth nothing'

export interface Gateway extends Child {
  readonly port: number
}

export class Stage {
  private readonly ends: (() => Promise<unknown>)[] = []
  private isClosed = false

  constructor(
    readonly built: Built,
    private readonly placement: Placement,
  ) {}

  /** A process of `bench/`, by its path there without the ending. */
  async process(path: string, role: Role, options: Omit<ChildOptions, 'file'> = {}): Promise<Child> {
    return this.child({ ...options, file: this.built.process(path) }, role)
  }

  /** `settings` are environment names without the prefix, e.g. `{ CLIENT_ALLOW_ANONYMOUS: 'true' }`. */
  async gateway(
    nats: NatsServer,
    settings: Readonly<Record<string, string>> = {},
    options: { role?: Role; execArgv?: readonly string[] } = {},
  ): Promise<Gateway> {
    const own = {
      NATS_URL: nats.url,
      CONFIG: join(import.meta.dirname, 'natter.yaml'),
      GATEWAY_NAME: `gateway-${randomBytes(3).toString('hex')}`,
      GATEWAY_PORT: '0',
      CLIENT_TOKEN_HMAC_SECRET_KEY: tokenSecret,
      CLIENT_ALLOW_ANONYMOUS: 'true',
      CLIENT_CONNECTION_RATE_LIMIT: '0', // drivers connect as fast as they can
      LOG_LEVEL: 'warn',
      ...settings,
    }
    const child = await this.child(
      {
        file: this.built.app('gateway'),
        env: prefixed(own),
        ...(options.execArgv === undefined ? {} : { execArgv: options.execArgv }),
      },
      options.role ?? 'measured',
    )
    return { ...child, port: Number(child.details['port']) }
  }

  /** An app that isn't a gateway. */
  async app(name: string, settings: Readonly<Record<string, string>>, role: Role): Promise<Child> {
    return this.child({ file: this.built.app(name), env: prefixed(settings) }, role)
  }

  async nats(): Promise<NatsServer> {
    const server = await startNatsServer()
    await this.keep(() => server.stop())
    this.placement.place(server.pid, 'load')
    return server
  }

  async postgres(settings: Readonly<Record<string, string>>): Promise<PostgresServer> {
    const server = await startPostgres({ settings })
    await this.keep(() => server.stop())
    return server
  }

  /** The port, or undefined where there is no redis-server. */
  async redis(): Promise<number | undefined> {
    const port = await freePort()
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    const server = await startProcess({ command: 'redis-server', args }).catch(() => undefined)
    if (server === undefined) return undefined
    await this.keep(() => server.kill('SIGKILL'))
    await server.waitForLine((line) => line.includes('eady to accept connections'))
    this.placement.place(server.pid, 'load')
    return port
  }

  /** Ends all that was started so far. */
  async end(): Promise<void> {
    for (const end of this.ends.splice(0).toReversed()) await end().catch(() => {}) // SG1
  }

  async close(): Promise<void> {
    this.isClosed = true
    await this.end()
  }

  private async keep(end: () => Promise<unknown>): Promise<void> {
    this.ends.push(end)
    if (!this.isClosed) return
    await this.end() // SG2
    throw new Error('This run was given up')
  }

  private async child(options: ChildOptions, role: Role): Promise<Child> {
    const child = await startChild(options)
    await this.keep(() => child.end())
    this.placement.place(child.pid, role)
    return child
  }
}

const prefixed = (settings: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [`NATTER_${name}`, value]))
