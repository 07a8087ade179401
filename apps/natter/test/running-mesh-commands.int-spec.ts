/** The command line beside a real gateway and a real NATS. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  connectSdk,
  freePort,
  leakCheck,
  startNatsServer,
  startProcess,
  type NatsServer,
  type StartedProcess,
} from '@natter/testing'
import { natter, Running, type RunOptions } from './natter.js'
import { repositoryRoot } from '../src/mesh/programs.js'

const root = repositoryRoot()

const settings = `
channel:
  namespaces:
    - name: kept
      keep: stream
      presence: true
      allow_subscribe_for_client: true
      allow_publish_for_client: true
    - name: live
      allow_subscribe_for_client: true
      allow_publish_for_client: true
`

describe('natter beside a running mesh', () => {
  let expectNoLeaks: ReturnType<typeof leakCheck>
  let folder: string
  let nats: NatsServer
  let gateway: StartedProcess
  let port: number
  let env: Record<string, string>

  beforeAll(async () => {
    expectNoLeaks = leakCheck()
    folder = mkdtempSync(join(tmpdir(), 'natter-commands-'))
    writeFileSync(join(folder, 'natter.yaml'), settings)
    nats = await startNatsServer()
    port = await freePort()
    env = {
      NATTER_NATS_URL: nats.url,
      NATTER_GATEWAY_PORT: String(port),
      NATTER_OPS_PORT: String(await freePort()),
      NATTER_HTTP_API_PORT: String(await freePort()),
      NATTER_HTTP_API_KEY: 'the-key-of-a-test',
      NATTER_CLIENT_TOKEN_HMAC_SECRET_KEY: 'the-secret-of-a-test',
    }
    gateway = await startGateway()
  }, 60_000)

  afterAll(async () => {
    await gateway.kill('SIGKILL')
    await nats.stop()
    rmSync(folder, { recursive: true })
    await expectNoLeaks()
  }, 30_000)

  async function startGateway(): Promise<StartedProcess> {
    const one = await startProcess({
      args: [join(root, 'apps/gateway/src/main.ts'), '--config', join(folder, 'natter.yaml')],
      env,
    })
    await one.waitForLine((line) => line.includes('"process:start:done"'), 30_000)
    return one
  }

  /** In the folder with the settings of the gateway: nothing else has to be said. */
  const here = (more: RunOptions = {}): RunOptions => ({ cwd: folder, ...more, env: { ...env, ...more.env } })

  async function ask(line: readonly string[], more?: RunOptions): Promise<Record<string, unknown>> {
    const { code, out, err } = await natter([...line, '--json'], here(more))
    expect([code, err]).toEqual([0, ''])
    return JSON.parse(out) as Record<string, unknown>
  }

  const connect = async (user: string) => {
    const { token } = (await ask(['token', '--user', user])) as { token: string }
    return connectSdk(`ws://127.0.0.1:${port}/connection/websocket`, { token })
  }

  const dataOf = (lines: string): unknown[] =>
    lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { data: unknown }).data)

  it('publishes, once for one key, and shows what is kept, byte for byte', async () => {
    const channel = 'kept:published'
    const first = await ask(['publish', channel, '{"n":12345678901234567890}', '--idempotency-key', 'k1'])
    expect(first).toEqual({ offset: expect.any(Number), epoch: expect.any(String) })
    expect(await ask(['publish', channel, '{"n":1}', '--idempotency-key', 'k1'])).toEqual(first)
    await ask(['publish', channel, '--text', 'it’s "so"'])
    await ask(['publish', channel, '-'], { stdin: '[1,2]\n' })
    await ask(['publish', channel, Buffer.from([0, 255]).toString('base64'), '--base64', '--tag', 'a=b'])
    const { publications } = (await ask(['history', channel])) as { publications: object[] }
    expect(publications).toMatchObject([
      {},
      { data: 'it’s "so"' },
      { data: [1, 2] },
      { b64data: 'AP8=', tags: { a: 'b' } },
    ])
    const shown = await natter(['history', channel, '--limit', '2', '--reverse'], here())
    expect(shown.out).toMatch(
      /^\d+ {2}base64 AP8= {2}\{"a":"b"\}\n\d+ {2}\[1,2\]\nThe channel is at offset \d+/,
    )
  })

  it('shows who is there and what the gateways carry, and closes a user’s connections', async () => {
    const ann = await connect('ann')
    await ann.subscribe('kept:presence')
    const { presence } = (await ask(['presence', 'kept:presence'])) as { presence: object }
    expect(Object.values(presence)).toMatchObject([{ user: 'ann' }])
    const text = await natter(['presence', 'kept:presence'], here())
    expect(text.out).toMatch(/^USER +CLIENT +CONN INFO +CHAN INFO\nann +\S+\n$/)
    expect(await ask(['info'])).toMatchObject({ nodes: [{ num_clients: 1, num_users: 1, num_subs: 1 }] })
    const closed = new Promise((resolve) => ann.centrifuge.once('disconnected', resolve))
    await ask(['disconnect', '--user', 'ann', '--code', '4501', '--reason', 'banned'])
    expect(await closed).toMatchObject({ code: 4501, reason: 'banned' })
    ann.dispose()
  })

  it('says what is wrong with a key, a channel, a namespace', async () => {
    const say = async (line: string[], more: Record<string, string> = {}) => {
      const { code, err } = await natter([...line, '--json'], here({ env: more }))
      return [code, (JSON.parse(err) as { error: { code: string } }).error.code]
    }
    expect(await say(['info'], { NATTER_HTTP_API_KEY: 'another-key' })).toEqual([1, 'api-key-refused'])
    expect(await say(['presence', 'nowhere:a'])).toEqual([1, 'api-refused'])
    expect(await say(['history', 'live:a'])).toEqual([1, 'api-refused'])
    expect(await say(['publish', 'kept:a', 'no json'])).toEqual([1, 'data-no-json'])
    expect(await say(['info', '--api-url', `http://127.0.0.1:${port}`])).toEqual([1, 'no-api-there'])
  })

  it('follows a channel over a restart of the gateway: no hole, no double, and it says what happened', async () => {
    const channel = 'kept:followed'
    for (const n of [1, 2]) await ask(['publish', channel, String(n)])
    const following = new Running(['history', channel, '--follow', '--interval', '50ms', '--json'], here())
    await following.prints(({ out }) => dataOf(out).length === 2)
    await ask(['publish', channel, '3'])
    await following.prints(({ out }) => dataOf(out).length === 3)
    await gateway.kill('SIGKILL')
    await following.prints(({ err }) => err.includes('api-unreachable'))
    gateway = await startGateway()
    for (const n of [4, 5]) await ask(['publish', channel, String(n)])
    await following.prints(({ out }) => dataOf(out).length === 5)
    expect(await following.end()).toBe(0)
    expect(dataOf(following.out)).toEqual([1, 2, 3, 4, 5])
    expect(following.err).toContain('api-again')
  }, 30_000)

  it('loads the mesh for as long as it was told, and tells what arrived', async () => {
    const line = ['bench', '--url', `ws://127.0.0.1:${port}/connection/websocket`, '--user', 'load']
    const result = await ask([...line, '--clients', '4', '--rate', '50', '--duration', '300ms'])
    expect(result).toMatchObject({
      clients: 4,
      published: 15,
      expected: 60,
      delivered: 60,
      missing: 0,
      refused: 0,
    })
    expect(result['latencyMs']).toMatchObject({ p50: expect.any(Number), max: expect.any(Number) })
    const anonymous = await natter([...line.slice(0, 3), '--duration', '100ms', '--json'], here())
    expect(anonymous.code).toBe(1)
    expect(JSON.parse(anonymous.err)).toMatchObject({ error: { code: 'bench-refused' } })
  })

  describe('as a process', () => {
    const main = join(root, 'apps/natter/src/main.ts')
    const follow = ['history', 'kept:process', '--follow', '--interval', '50ms', '--limit', '1']
    const childEnv = () => ({ ...env, INIT_CWD: folder })

    beforeAll(async () => {
      await ask(['publish', 'kept:process', '"first"'])
    })

    it('ends cleanly with Ctrl-C', async () => {
      const one = await startProcess({ args: [main, ...follow], env: childEnv() })
      await one.waitForLine((line) => line.includes('"first"'))
      expect(await one.kill('SIGINT')).toEqual({ code: 0, signal: null })
    })

    it('ends quietly when nobody reads any more, as behind | head', async () => {
      const script = `"$0" "$@" | head -n 1; echo "ended with \${PIPESTATUS[0]}"`
      const node = [process.execPath, '--import', join(root, 'tools/typescript.mjs'), main, ...follow]
      const one = await startProcess({ command: 'bash', args: ['-c', script, ...node], env: childEnv() })
      await one.waitForLine((line) => line.includes('"first"'))
      await ask(['publish', 'kept:process', '"second"'])
      await ask(['publish', 'kept:process', '"third"'])
      expect(await one.waitForLine((line) => line.startsWith('ended'))).toBe('ended with 0')
      await one.exited
      expect(one.lines).toHaveLength(2)
    })
  })
})
