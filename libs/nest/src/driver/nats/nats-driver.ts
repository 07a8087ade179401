import { createNatsBroker, type Broker, type NatsBrokerOptions } from '@natter/broker'
import { ApiClient, AppInstance, type AppInstanceEvents } from '@natter/hooks'
import { InvalidError, UnavailableError, type TypedEvents } from '@natter/primitives'
import type { AppSide, MeshApi, MeshDriver } from '../mesh-driver.js'

export interface NatsDriverOptions extends Omit<NatsBrokerOptions, 'name'> {
  /** The app's name: what its instances share, and what stands in the record of the apps. */
  app: string
  /** This process's name, unique in the mesh. Default: the app's name and a random word. */
  instance?: string
  /** The gateway that loads the app: see {@link hostNodeVariable}. Absent = none, the app runs by itself. */
  node?: string
  /** Shown in the server's list of connections. Default: the instance's name. */
  name?: string
  /** Made by the caller who wants to log or count what happens in this instance. */
  appEvents?: TypedEvents<AppInstanceEvents>
}

/** A gateway says by this environment variable, to the apps that it loads, what it is called. */
export const hostNodeVariable = 'NATTER_HOST_NODE'

interface Mesh {
  broker: Broker
  app: AppInstance
  api: ApiClient
}

type State = { kind: 'new' } | { kind: 'starting' } | ({ kind: 'started' } & Mesh) | { kind: 'stopped' }

/**
 * A real mesh: one connection to NATS, nothing else.
 *
 * N1. Nothing is connected before `start`; what is asked of the mesh before it or after `stop` is refused (`not-started`).
 * N2. A start that fails leaves nothing behind, and may be tried again; so does one that is stopped before it has ended.
 * N3. An app is a guest: it waits for a mesh, and creates none, because it doesn't know what its gateways want of their streams.
 */
export function createNatsDriver(options: NatsDriverOptions): MeshDriver {
  return new NatsDriver(options)
}

class NatsDriver implements MeshDriver {
  private state: State = { kind: 'new' }

  constructor(private readonly options: NatsDriverOptions) {}

  get isHosted(): boolean {
    return this.options.node !== undefined
  }

  get isConnected(): boolean {
    return this.state.kind === 'started' && this.state.broker.bus.isAnswering
  }

  async start(side: AppSide): Promise<void> {
    if (this.state.kind === 'starting' || this.state.kind === 'started') throw startedTwice()
    this.state = { kind: 'starting' }
    try {
      const mesh = await this.join(side)
      if (!this.isStarting) throw await stoppedMeanwhile(mesh)
      this.state = { kind: 'started', ...mesh }
    } catch (error) {
      if (this.isStarting) this.state = { kind: 'new' } // N2
      throw error
    }
  }

  private get isStarting(): boolean {
    return this.state.kind === 'starting'
  }

  async drain(): Promise<void> {
    if (this.state.kind === 'started') await this.state.app.drain()
  }

  async stop(): Promise<void> {
    const { state } = this
    this.state = { kind: 'stopped' }
    if (state.kind === 'started') await leave(state)
  }

  publish: MeshApi['publish'] = async (...args) => this.api.publish(...args)
  broadcast: MeshApi['broadcast'] = async (...args) => this.api.broadcast(...args)
  presence: MeshApi['presence'] = async (...args) => this.api.presence(...args)
  history: MeshApi['history'] = async (...args) => this.api.history(...args)
  subscribe: MeshApi['subscribe'] = async (...args) => this.api.subscribe(...args)
  unsubscribe: MeshApi['unsubscribe'] = async (...args) => this.api.unsubscribe(...args)
  disconnect: MeshApi['disconnect'] = async (...args) => this.api.disconnect(...args)
  blockUser: MeshApi['blockUser'] = async (...args) => this.api.blockUser(...args)
  unblockUser: MeshApi['unblockUser'] = async (...args) => this.api.unblockUser(...args)
  revokeToken: MeshApi['revokeToken'] = async (...args) => this.api.revokeToken(...args)
  invalidateUserTokens: MeshApi['invalidateUserTokens'] = async (...args) =>
    this.api.invalidateUserTokens(...args)

  private get api(): ApiClient {
    if (this.state.kind === 'started') return this.state.api
    throw new UnavailableError(
      'not-started',
      'This app is not in the mesh: it has not started yet, or has stopped',
    ) // N1
  }

  private async join(side: AppSide): Promise<Mesh> {
    const { app: name, instance, node, appEvents, ...nats } = this.options
    const broker = await createNatsBroker({ ...nats, isGuest: true, name: nats.name ?? instance ?? name })
    const { clock } = nats
    const api = new ApiClient({ broker, ...(clock === undefined ? {} : { clock }) })
    const app = new AppInstance({
      broker,
      app: name,
      ...(instance === undefined ? {} : { instance }),
      ...(node === undefined ? {} : { node }),
      ...(clock === undefined ? {} : { clock }),
      ...(appEvents === undefined ? {} : { events: appEvents }),
    })
    try {
      api.start()
      await app.start(side)
      return { broker, app, api }
    } catch (error) {
      await leave({ broker, app, api })
      throw error
    }
  }
}

async function leave({ broker, app, api }: Mesh): Promise<void> {
  await app.stop()
  api.stop()
  await broker.close()
}

/** N2 */
async function stoppedMeanwhile(mesh: Mesh): Promise<UnavailableError> {
  await leave(mesh)
  return new UnavailableError('app-stopped', 'This app was stopped while it started')
}

function startedTwice(): InvalidError {
  return new InvalidError('started-twice', 'This app is in the mesh already: stop it before it starts again')
}
