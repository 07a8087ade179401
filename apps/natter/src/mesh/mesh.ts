import { identify } from '../process/process-identity.js'
import { removeIdentity, writeIdentity } from '../files/identity-file.js'
import type { Clock } from '@natter/primitives'
import { ManagedProcess } from '../process/managed-process.js'
import { places, type MeshSettings } from './mesh-settings.js'
import {
  gatewayNames,
  gatewaySpec,
  messengerSpec,
  natsSpec,
  persistenceSpec,
  postgresSpec,
} from './process-specs.js'

/**
 * The processes of a mesh on one machine, and the order in which they come and go.
 *
 * M1. NATS and Postgres are up before what needs them, at boot and at each restart; they go last. A gateway needs NATS alone: it
 *     serves while Postgres is away.
 * M2. A process that fails before its first ready fails the boot: its settings are wrong, and a loop would hide that.
 * M3. Each process that runs is named in a file, so that the next start can end what a killed supervisor left.
 */
export type BootOutcome =
  { is: 'ready' } | { is: 'failed'; process: ManagedProcess; how: string } | { is: 'stopped' }

export class Mesh {
  /** The embedded ones of NATS and Postgres. */
  readonly servers: readonly ManagedProcess[]
  readonly apps: readonly ManagedProcess[]
  /** Of the apps those that take a configuration while they run. */
  private readonly readers: readonly ManagedProcess[]
  private stopping: Promise<void> | null = null

  constructor(
    private readonly settings: MeshSettings,
    clock: Clock,
    extra: () => readonly ManagedProcess[] = () => [],
  ) {
    const { nats, postgres } = settings
    const natsServer =
      nats.is === 'embedded' ? [new ManagedProcess(natsSpec(settings, nats.serverFile), clock)] : []
    const postgresServer =
      postgres.is === 'embedded' ? [new ManagedProcess(postgresSpec(settings), clock)] : []
    this.servers = [...natsServer, ...postgresServer]
    this.readers = [
      ...gatewayNames.map(
        (name) => new ManagedProcess({ ...gatewaySpec(settings, name), needs: natsServer }, clock), // M1
      ),
      new ManagedProcess({ ...persistenceSpec(settings), needs: this.servers }, clock), // M1
      new ManagedProcess({ ...messengerSpec(settings), needs: natsServer }, clock),
    ]
    this.apps = [...this.readers, ...extra()]
    for (const process of this.processes) this.nameInFile(process)
  }

  get processes(): readonly ManagedProcess[] {
    return [...this.servers, ...this.apps]
  }

  find(name: string): ManagedProcess | undefined {
    return this.processes.find((process) => process.name === name)
  }

  boot(): Promise<BootOutcome> {
    return new Promise((resolve) => {
      const offs = this.processes.flatMap((process) => [
        process.events.on('process:ready', () => {
          if (this.processes.every(({ isReady }) => isReady)) end({ is: 'ready' })
        }),
        process.events.on(
          'process:exit',
          ({ how, wasWanted }) => end(wasWanted ? { is: 'stopped' } : { is: 'failed', process, how }), // M2
        ),
      ])
      const end = (outcome: BootOutcome) => {
        for (const off of offs) off()
        if (outcome.is === 'failed') {
          void outcome.process.stop() // at once, though servers go last: or it would announce a next attempt that never comes
          void this.stop()
        }
        resolve(outcome)
      }
      for (const process of this.processes) process.start()
    })
  }

  /** Ends all of it, NATS and Postgres last (M1). */
  stop(): Promise<void> {
    this.stopping ??= this.stopInOrder()
    return this.stopping
  }

  /** Asks the apps to read their configuration again. */
  reload(): void {
    for (const process of this.readers) process.reload()
  }

  kill(): void {
    for (const process of this.processes) process.kill()
  }

  private async stopInOrder(): Promise<void> {
    await Promise.all(this.apps.map((process) => process.stop()))
    await Promise.all(this.servers.map((process) => process.stop()))
  }

  /** M3 */
  private nameInFile(process: ManagedProcess): void {
    const file = places.identity(this.settings.dataFolder, process.name)
    process.events.on('process:starting', ({ pid }) => {
      const identity = identify(pid)
      if (identity !== null) writeIdentity(file, identity)
    })
    process.events.on('process:exit', () => removeIdentity(file))
  }
}
