/** What a persistence process says to who starts, replaces and restarts it, while what it stands on breaks; and a gateway beside it. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { eventually, freePort, leakCheck, probe, startProcess, type Probe } from '@natter/testing'
import { join } from 'node:path'
import { Stack } from './stack.js'

const gatewayMain = join(import.meta.dirname, '../../gateway/src/main.ts')
const readiness = { periodMs: 250, timeoutMs: 1_000 }

describe('a persistence app that is probed', () => {
  let expectNoLeaks: ReturnType<typeof leakCheck>
  let stack: Stack
  const probes: Probe[] = []

  beforeEach(async () => {
    expectNoLeaks = leakCheck()
    stack = await Stack.open()
  }, 60_000)

  afterEach(async () => {
    for (const one of probes.splice(0)) one.stop()
    await stack.close()
    await expectNoLeaks()
  }, 30_000)

  const asked = (ops: string, page: 'ready' | 'live' = 'ready'): Probe => {
    const one = probe(`${ops}/health/${page}`, readiness)
    probes.push(one)
    return one
  }

  async function gateway(): Promise<string> {
    const [port, opsPort] = [await freePort(), await freePort()]
    const child = await startProcess({
      args: [gatewayMain],
      env: {
        NATTER_NATS_URL: stack.nats.url,
        NATTER_POSTGRES_URL: stack.url,
        NATTER_CONFIG: '',
        NATTER_CLIENT_ALLOW_ANONYMOUS: 'true',
        NATTER_GATEWAY_PORT: String(port),
        NATTER_OPS_PORT: String(opsPort),
      },
    })
    stack.started.push(child)
    return `http://127.0.0.1:${opsPort}`
  }

  it.each([
    ['killed', 'SIGKILL'],
    ['stopped in the middle', 'SIGSTOP'],
  ] as const)(
    'is ready while Postgres is away (%s), and so is a gateway: a person has to look, and is told on /health',
    async (_, signal) => {
      const { ops } = await stack.running({ NATTER_PERSISTENCE_LAG_ALARM: '1s' })
      const pages = [asked(ops), asked(await gateway())]
      await Promise.all(pages.map((page) => page.until(true)))
      const asksBefore = pages.map(({ answers }) => answers.length)
      await stack.postgres.kill(signal)
      await stack.publish('kept:a', 'meanwhile')
      const alarm = await eventually(
        async () => {
          const { checks } = (await (await fetch(`${ops}/health`)).json()) as {
            checks: Record<string, string>
          }
          return checks['postgres'] !== 'ok' && checks['archive'] !== 'ok' && checks
        },
        { timeoutMs: 30_000 },
      )
      expect(alarm).toMatchObject({ nats: 'ok', archive: expect.stringContaining('behind') })
      for (const [n, page] of pages.entries()) {
        await page.next()
        const since = page.answers.slice(asksBefore[n])
        expect(since.length).toBeGreaterThan(3)
        expect(since.map(({ status }) => status)).toEqual(since.map(() => 200))
      }
      if (signal === 'SIGSTOP') await stack.postgres.kill('SIGCONT')
    },
    60_000,
  )

  it('is not ready within 3 s after NATS hangs, and alive; and waits for a NATS that is not there when it starts', async () => {
    const { ops } = await stack.running()
    const [ready, live] = [asked(ops), asked(ops, 'live')]
    await ready.until(true)
    await stack.nats.kill('SIGSTOP')
    const brokenAtMs = performance.now()
    const answer = await ready.until(false, 6_000)
    expect((answer?.askedAtMs ?? Infinity) - brokenAtMs).toBeLessThan(3_000)
    const late = await stack.start({ NATTER_NATS_CONNECT_TIMEOUT: '5m', NATTER_PERSISTENCE_NAME: 'late' })
    const lateReady = asked(late.ops)
    await late.process.waitForLine((line) => line.includes('"broker:connect:wait"'))
    expect(await lateReady.next()).toMatchObject({ status: 503, text: expect.stringContaining('starting') })
    await stack.nats.kill('SIGCONT')
    await Promise.all([ready.until(true), lateReady.until(true)])
    expect(live.answers.every(({ status }) => status === 200)).toBe(true)
  }, 60_000)
})
