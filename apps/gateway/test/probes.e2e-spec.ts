/** What a gateway process says to who starts, replaces and restarts it, while what it stands on breaks. */
import { describe, expect, it } from '@jest/globals'
import { eventually, freePort, probe, startNatsServer, type Probe, type ProbeOptions } from '@natter/testing'
import { join } from 'node:path'
import { natsBench } from './bench.js'
import { runningGateway, startGateway, type GatewayProcess } from './gateway-process.js'
import { RawClient } from './harness.js'

const blocker = join(import.meta.dirname, 'apps/blocker.module.ts')

/** As the chart has them; asked four times as often. */
const readiness: ProbeOptions = { periodMs: 250, timeoutMs: 1_000 }
const liveness: ProbeOptions = { periodMs: 1_000, timeoutMs: 10_000, isPassingAtFirst: true }

/** From the cause to the answer: what is promised. */
const promisedMs = 3_000

describe('a gateway that is probed', () => {
  const bench = natsBench()

  const watched = (gateway: GatewayProcess, options = readiness): { ready: Probe; live: Probe } => {
    const ready = probe(`${gateway.ops}/health/ready`, options)
    const live = probe(`${gateway.ops}/health/live`, liveness)
    bench.atEnd(() => [ready, live].forEach((one) => one.stop()))
    return { ready, live }
  }
  const failures = ({ answers }: Probe) => answers.filter(({ status }) => status !== 200)

  it.each([
    ['killed', 'SIGKILL', 'NATS is away'],
    ['stopped in the middle, its connections open', 'SIGSTOP', 'NATS does not answer'],
  ] as const)(
    'is not ready within 3 s after NATS was %s, alive all the while, and ready again when NATS is back',
    async (_, signal, why) => {
      const { ready, live } = watched(await runningGateway(bench))
      await ready.until(true)
      await bench.nats.kill(signal)
      const brokenAtMs = performance.now()
      const answer = await ready.until(false, 6_000)
      expect(answer).toMatchObject({ status: 503, text: expect.stringContaining(why) })
      expect((answer?.askedAtMs ?? Infinity) - brokenAtMs).toBeLessThan(promisedMs)
      expect(await live.next()).toMatchObject({ status: 200 }) // asked while NATS is away
      if (signal === 'SIGSTOP') await bench.nats.kill('SIGCONT')
      else await bench.nats.restart()
      await ready.until(true)
      await live.next()
      expect(failures(live)).toEqual([])
    },
    30_000,
  )

  it('started without NATS waits for it, alive and not ready, and is ready when its streams were looked at, without being asked again', async () => {
    const port = await freePort()
    const gateway = await startGateway(bench, {
      env: { NATTER_NATS_URL: `nats://127.0.0.1:${port}`, NATTER_NATS_CONNECT_TIMEOUT: '5m' },
    })
    await gateway.process.waitForLine((line) => line.includes('"broker:connect:wait"'))
    const { ready, live } = watched(gateway)
    expect(await ready.next()).toMatchObject({ status: 503, text: expect.stringContaining('starting') })
    const bare = await startNatsServer({ port, jetstream: false })
    await gateway.process.waitForLine((line) => line.includes('"broker:connect"'))
    expect(await ready.next()).toMatchObject({ status: 503, text: expect.stringContaining('starting') })
    await bare.stop()
    const whole = await startNatsServer({ port })
    bench.atEnd(() => gateway.process.kill('SIGKILL').then(() => whole.stop()))
    await ready.until(true)
    const client = await bench.connect(gateway)
    expect(await client.call('publish', { channel: 'hello:a', data: 1 })).toMatchObject({ publish: {} })
    await live.next()
    expect(failures(live)).toEqual([])
    expect(ready.answers.some(({ status }) => status === undefined)).toBe(false) // the page was there all the time
  }, 30_000)

  it('is found dead when its loop is blocked for 12 s, and not when it is for 8 s', async () => {
    const blocked = async (ms: number) => {
      const gateway = await runningGateway(bench, {
        // a mesh each: in one, either instance of the app answers either client
        env: { NATTER_NATS_PREFIX: `blocked-${ms}`, NATTER_GATEWAY_APPS: blocker },
      })
      const { live } = watched(gateway)
      const client = await bench.keep(RawClient.open(gateway.url))
      await client.call('connect', {})
      client.start('rpc', { method: 'block', data: { ms } })
      await gateway.process.waitForLine((line) => line === 'blocking')
      return live
    }
    const [short, long] = await Promise.all([blocked(8_000), blocked(12_000)])
    expect(await long.until(false, 20_000)).toMatchObject({ text: 'no answer within 10000 ms' })
    await eventually(() => short.answers.some(({ tookMs }) => tookMs > 5_000), { timeoutMs: 20_000 })
    await short.next()
    expect(failures(short)).toEqual([])
    await long.until(true, 20_000) // a kubelet would not have waited for it
  }, 60_000)
})
