/** The gateway as a process, and programs that put load on it: from source, ended with the test that started them. */
import { freePort, startProcess, typescriptArgs, type StartedProcess } from '@natter/testing'
import { join } from 'node:path'
import type { NatsBench } from './bench.js'

const main = join(import.meta.dirname, '../src/main.ts')
const config = join(import.meta.dirname, '../../../natter.yaml')

export interface GatewayProcessOptions {
  /** Above the settings that every one of them gets. */
  env?: Readonly<Record<string, string>>
  args?: readonly string[]
  /** Flags of Node itself. */
  nodeArgs?: readonly string[]
  /** So many it may have. */
  descriptors?: number
}

export interface GatewayProcess {
  readonly process: StartedProcess
  readonly port: number
  /** Of its WebSocket. */
  readonly url: string
  /** Of its health and its metrics. */
  readonly ops: string
  metric(series: string): Promise<number | undefined>
}

/** With the repository's own natter.yaml, on free ports and the bench's NATS. It may not listen yet, and may refuse to run. */
export async function startGateway(
  bench: NatsBench,
  options: GatewayProcessOptions = {},
): Promise<GatewayProcess> {
  const [port, opsPort] = [await freePort(), await freePort()]
  const args = [...(options.nodeArgs ?? []), ...typescriptArgs, main, ...(options.args ?? [])]
  const process = await startProcess({
    ...withDescriptors(options.descriptors, args),
    env: {
      NATTER_NATS_URL: bench.nats.url,
      NATTER_CONFIG: config,
      NATTER_GATEWAY_NAME: 'gateway-x',
      NATTER_GATEWAY_PORT: String(port),
      NATTER_OPS_PORT: String(opsPort),
      NATTER_HTTP_API_PORT: '0',
      ...options.env,
    },
  })
  bench.atEnd(() => process.kill('SIGKILL'))
  const ops = `http://127.0.0.1:${opsPort}`
  const metric = async (series: string): Promise<number | undefined> =>
    valueIn(await (await fetch(`${ops}/metrics`)).text(), series)
  return { process, port, url: `ws://127.0.0.1:${port}/connection/websocket`, ops, metric }
}

const withDescriptors = (descriptors: number | undefined, args: readonly string[]) =>
  descriptors === undefined
    ? { args }
    : { command: 'bash', args: ['-c', `ulimit -n ${descriptors}; exec "$0" "$@"`, process.execPath, ...args] }

/** Started: its clients are let in. */
export async function runningGateway(
  bench: NatsBench,
  options: GatewayProcessOptions = {},
): Promise<GatewayProcess> {
  const gateway = await startGateway(bench, options)
  await gateway.process.waitForLine((line) => line.includes('"process:start:done"'))
  return gateway
}

/** A program of the folder `load`. */
export async function startLoad(
  bench: NatsBench,
  program: string,
  ...args: readonly (string | number)[]
): Promise<StartedProcess> {
  const file = join(import.meta.dirname, 'load', program)
  const process = await startProcess({ args: [file, ...args.map(String)] })
  bench.atEnd(() => process.kill('SIGKILL'))
  return process
}

/** Of the first series in a text of metrics that begins so: a name and a `{`, and labels as far as they matter. */
export function valueIn(metrics: string, series: string): number | undefined {
  const line = metrics.split('\n').find((one) => one.startsWith(series))
  return line === undefined ? undefined : Number(line.split(' ').at(-1))
}
