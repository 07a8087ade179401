/** What a kubelet does to a container: a probe's question, and what has to happen before its end. */
import { askOnce, natsServerBinary } from '@natter/testing'
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { localText, type Place } from '../shared/local-text.js'
import type { ActionSpec, ContainerSpec } from './manifests.js'

export interface ActionPlace {
  place: Place
  env: Readonly<Record<string, string>>
  ports: ContainerSpec['ports']
}

/** Whether it succeeded within the time, and what was said. The signal ends a sleep. */
export async function act(
  action: ActionSpec,
  { place, env, ports = [] }: ActionPlace,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<{ isSuccess: boolean; why: string }> {
  const portOf = (port: number | string): number =>
    typeof port === 'number' ? port : (ports.find(({ name }) => name === port)?.containerPort ?? Number(port))
  const { httpGet, tcpSocket, exec, sleep } = action
  if (httpGet !== undefined) {
    const { status, text } = await askOnce(
      `http://${place.address}:${portOf(httpGet.port)}${httpGet.path ?? '/'}`,
      timeoutMs,
    )
    return {
      isSuccess: status !== undefined && status >= 200 && status < 400,
      why: `${status ?? ''} ${text}`.trim(),
    }
  }
  if (tcpSocket !== undefined) return await dial(place.address, portOf(tcpSocket.port), timeoutMs)
  if (exec !== undefined) return await execute(exec.command, place, env, timeoutMs)
  if (sleep !== undefined)
    await delay(Math.min(timeoutMs, sleep.seconds * 1_000), undefined, { signal }).catch(() => {})
  return { isSuccess: true, why: '' }
}

function dial(host: string, port: number, timeoutMs: number): Promise<{ isSuccess: boolean; why: string }> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const answer = (isSuccess: boolean, why: string): void => {
      socket.destroy()
      resolve({ isSuccess, why })
    }
    socket.once('connect', () => answer(true, ''))
    socket.once('timeout', () => answer(false, `no answer within ${timeoutMs} ms`))
    socket.once('error', (error) => answer(false, error.message))
  })
}

/** `pg_isready` isn't among our binaries; it asks whether connections are taken. */
async function execute(
  command: readonly string[],
  place: Place,
  env: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<{ isSuccess: boolean; why: string }> {
  if (command.join(' ').includes('pg_isready')) return await dial(place.address, 5432, timeoutMs)
  const [first = '', ...args] = command.map((word) => localText(word, place))
  const programs: Record<string, () => string> = {
    node: () => process.execPath,
    'nats-server': natsServerBinary,
  }
  const file = programs[first.split('/').at(-1) ?? '']?.() ?? first
  return await new Promise((resolve) => {
    let why = ''
    const child = spawn(file, args, {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    for (const output of [child.stdout, child.stderr])
      output.on('data', (text: Buffer) => (why += text.toString()))
    child.once('error', (error) => resolve({ isSuccess: false, why: error.message }))
    child.once('close', (code) => resolve({ isSuccess: code === 0, why: why.trim() }))
  })
}
