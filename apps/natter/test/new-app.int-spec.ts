/** An app as its author has it: in a folder of its own, made of packages alone, on the Node and the npm that are there. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  connectSdk,
  freePort,
  leakCheck,
  startNatsServer,
  startProcess,
  type NatsServer,
  type SdkClient,
  type StartedProcess,
} from '@natter/testing'
import { repositoryRoot } from '../src/mesh/programs.js'
import { newApp } from '../src/new/new-app.js'

const root = repositoryRoot()
const sockets = 200

describe('a project that `natter new` makes', () => {
  let expectNoLeaks: ReturnType<typeof leakCheck>
  let parent: string
  let folder: string
  let nats: NatsServer
  let gateways: number[]
  const running: StartedProcess[] = []

  beforeAll(async () => {
    expectNoLeaks = leakCheck()
    parent = await mkdtemp(join(tmpdir(), 'natter-outside-'))
    folder = join(parent, 'my-app')
    nats = await startNatsServer()
    await newApp(folder, root)
    gateways = [await startGateway('gateway-1'), await startGateway('gateway-2')]
    await npm('install', '--no-audit', '--no-fund', '--prefer-offline')
  }, 240_000)

  afterAll(async () => {
    await Promise.all(running.map((one) => one.kill('SIGKILL')))
    await nats.stop()
    await rm(parent, { recursive: true, force: true })
    await expectNoLeaks()
  }, 30_000)

  async function startGateway(name: string): Promise<number> {
    const [port, opsPort] = [await freePort(), await freePort()]
    const gateway = await startProcess({
      args: [join(root, 'apps/gateway/src/main.ts')],
      env: {
        NATTER_NATS_URL: nats.url,
        NATTER_CONFIG: join(root, 'natter.yaml'),
        NATTER_GATEWAY_NAME: name,
        NATTER_GATEWAY_PORT: String(port),
        NATTER_OPS_PORT: String(opsPort),
      },
    })
    running.push(gateway)
    await gateway.waitForLine((line) => line.includes('"process:start:done"'), 30_000)
    return port
  }

  /** In the project's folder, with nothing of ours in reach. */
  async function inProject(command: string, ...args: string[]): Promise<StartedProcess> {
    const one = await startProcess({ command, args, cwd: folder, env: { NATTER_NATS_URL: nats.url } })
    running.push(one)
    return one
  }

  async function npm(...args: string[]): Promise<void> {
    const one = await inProject('npm', ...args)
    const { code } = await one.exited
    if (code !== 0) throw new Error(`npm ${args.join(' ')} ended with ${code}:\n${one.lines.join('\n')}`)
  }

  async function startApp(): Promise<StartedProcess> {
    const app = await inProject(process.execPath, 'dist/main.js')
    await app.waitForLine((line) => line.includes('is in the mesh'), 30_000)
    return app
  }

  const url = (i: number): string => `ws://127.0.0.1:${gateways[i % gateways.length]}/connection/websocket`

  it('passes its own tests where no server is', async () => {
    await npm('test')
  }, 120_000)

  it('says hello through the mesh, and a deployed change drops no socket and leaves no rpc unanswered', async () => {
    await npm('run', 'build')
    const before = await startApp()
    const hello = await inProject(process.execPath, 'hello.mjs', String(gateways[1]))
    expect(await hello.exited).toEqual({ code: 0, signal: null })
    expect(hello.lines).toEqual(['Hello, world', 'somebody: Hello from my-app'])

    const clients: SdkClient[] = []
    const lost: string[] = []
    for (let i = 0; i < sockets; i += 1) {
      const client = await connectSdk(url(i))
      client.centrifuge.on('connecting', ({ reason }) => lost.push(reason))
      client.centrifuge.on('disconnected', ({ reason }) => lost.push(reason))
      await client.subscribe('chat:lobby')
      clients.push(client)
    }
    const stop = callingWithRetry(clients)

    await change('src/chat.controller.ts', 'Hello, ', 'Good morning, ')
    await npm('run', 'build')
    const after = await startApp()
    expect(await before.kill('SIGTERM')).toEqual({ code: 0, signal: null })
    const answers = await stop('Good morning, x')

    expect(lost).toEqual([])
    expect(new Set(answers)).toEqual(new Set(['Hello, x', 'Good morning, x']))
    await clients[0]?.centrifuge.getSubscription('chat:lobby')?.publish({ text: 'still here' })
    await Promise.all(clients.map((client) => client.received('chat:lobby', 1)))
    for (const client of clients) client.dispose()
    await after.kill()
  }, 180_000)

  async function change(file: string, from: string, to: string): Promise<void> {
    const text = await readFile(join(folder, file), 'utf8')
    expect(text).toContain(from)
    await writeFile(join(folder, file), text.replaceAll(from, to))
  }
})

/** One rpc after the other; a failure that says "try again" is tried again, any other one ends the test. */
function callingWithRetry(clients: readonly SdkClient[]): (until: string) => Promise<string[]> {
  const answers: string[] = []
  const goal: { answer?: string } = {}
  const run = async (): Promise<string[]> => {
    for (let i = 0; goal.answer === undefined || answers.at(-1) !== goal.answer; i += 1)
      answers.push(await greet(clients[i % clients.length] as SdkClient))
    return answers
  }
  const ended = run()
  ended.catch(() => {}) // told to who stops it
  return (answer) => {
    goal.answer = answer
    return ended
  }
}

async function greet(client: SdkClient): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    try {
      return (await client.centrifuge.rpc('hello', 'x')).data as string
    } catch (error) {
      if ((error as { temporary?: boolean }).temporary !== true || tries > 50) throw error
      await pause(20)
    }
  }
}
