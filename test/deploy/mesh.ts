/** What a run needs beside its clients: NATS, gateways, and the instances of the app, each a process of its own. */
import { freePort, startNatsServer, startProcess, type StartedProcess } from '@natter/testing'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ended } from './evidence.js'

/** Of streams and subjects. */
export const prefix = 'deploy'

const rules = {
  client: { connect_by_app: true },
  channel: { namespaces: [{ name: 'deploy', keep: 'stream', message_id: '/id' }] },
}

const bootTimeoutMs = 60_000

export interface Programs {
  gateway: string
  app: string
}

export interface Mesh {
  readonly natsUrl: string
  /** Of the gateways. */
  readonly ports: readonly number[]
  /** Every instance so far, those that are gone too. */
  readonly instances: readonly string[]
  /** Starts one, and resolves when it is in the mesh. */
  startInstance(): Promise<void>
  /** Ends the one that runs longest. */
  endOldest(signal: Ended['signal']): Promise<Ended>
  /** What the programs have printed, by name. */
  logs(): Map<string, readonly string[]>
  stop(): Promise<void>
}

/** Resolves when the gateways take connections. No instance is there yet. */
export async function startMesh(programs: Programs, folder: string, gateways: number): Promise<Mesh> {
  const nats = await startNatsServer()
  const started = new Map<string, StartedProcess>()
  const running: string[] = []
  const instances: string[] = []
  const config = join(folder, 'natter.json')
  writeFileSync(config, JSON.stringify(rules, undefined, 2))

  const stop = async (): Promise<void> => {
    await Promise.all([...started.values()].map((one) => one.kill('SIGKILL')))
    await nats.stop()
  }

  const startGateway = async (name: string): Promise<number> => {
    const port = await freePort()
    const env = {
      NATTER_CONFIG: config,
      NATTER_NATS_URL: nats.url,
      NATTER_NATS_PREFIX: prefix,
      NATTER_GATEWAY_NAME: name,
      NATTER_GATEWAY_PORT: String(port),
    }
    const one = await startProcess({ args: [programs.gateway], env })
    started.set(name, one)
    await one.waitForLine((line) => line.includes('"gateway:listen"'), bootTimeoutMs)
    return port
  }

  try {
    const names = Array.from({ length: gateways }, (_, n) => `gateway-${n + 1}`)
    const ports = await Promise.all(names.map(startGateway))
    return {
      natsUrl: nats.url,
      ports,
      instances,
      startInstance: async () => {
        const name = `app-${instances.length + 1}`
        instances.push(name)
        const one = await startProcess({ args: [programs.app, nats.url, prefix, name] })
        started.set(name, one)
        await one.waitForLine((line) => line.includes('is in the mesh'), bootTimeoutMs)
        running.push(name)
      },
      endOldest: async (signal) => {
        const instance = running.shift()
        if (instance === undefined) throw new Error('No instance runs')
        const exit = await started.get(instance)?.kill(signal)
        return { instance, signal, code: exit?.code ?? null }
      },
      logs: () => new Map([...started].map(([name, { lines }]) => [name, lines])),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
