import { describe, expect, it } from '@jest/globals'
import { join } from 'node:path'
import { natsBench } from './bench.js'
import { runningGateway, startGateway, type GatewayProcess } from './gateway-process.js'
import { RawClient } from './harness.js'

const attendance = join(import.meta.dirname, 'apps/attendance.module.ts')
const broken = join(import.meta.dirname, 'apps/broken.module.ts')

describe('an app in a gateway', () => {
  const bench = natsBench()

  const host = (name: string): Promise<GatewayProcess> =>
    runningGateway(bench, { env: { NATTER_GATEWAY_NAME: name, NATTER_GATEWAY_APPS: attendance } })
  const enter = async (gateway: GatewayProcess, user: string): Promise<RawClient> => {
    const client = await bench.keep(RawClient.open(gateway.url))
    const { connect, error } = await client.call('connect', { token: user })
    expect([connect?.['client'], error]).toEqual([expect.any(String), undefined])
    return client
  }
  const heard = (gateway: GatewayProcess, what: string): Promise<string> =>
    gateway.process.waitForLine((line) => line === what)
  const saidBy = ({ process }: GatewayProcess): string[] =>
    process.lines.filter((line) => line.endsWith(' left'))

  it('answers the first client of its gateway, and hears with scope node only of the sockets that this gateway held', async () => {
    const one = await host('g-one')
    const two = await host('g-two')
    const ana = await enter(one, 'ana')
    const ben = await enter(two, 'ben')
    const cid = await enter(one, 'cid')
    ana.end()
    await heard(one, 'g-one: ana left')
    ben.end()
    await heard(two, 'g-two: ben left')
    cid.end()
    await heard(one, 'g-one: cid left')
    expect([saidBy(one), saidBy(two)]).toEqual([['g-one: ana left', 'g-one: cid left'], ['g-two: ben left']])
  })

  it('hears who is sent away when its gateway is stopped, and finishes what it has in work before the process ends with 0', async () => {
    const one = await host('g-one')
    const ana = await enter(one, 'ana')
    ana.start('rpc', { method: 'work' })
    await heard(one, 'g-one: at work')
    const exit = one.process.kill('SIGTERM')
    expect(await ana.close()).toEqual({ code: 3001, reason: 'shutdown' })
    expect(await exit).toEqual({ code: 0, signal: null })
    expect(saidBy(one)).toEqual(['g-one: ana left'])
    expect(one.process.lines).toContain('g-one: done') // also what it published by its gateway, the only one
  })

  it.each([
    ['is not there', '/nowhere/app.js', 'ENOENT'],
    ['exports no module', join(import.meta.dirname, 'follower.ts'), 'exports no class with @Module'],
    ['does not start', broken, 'the database is away'],
  ])('that %s ends the start of the gateway with 1, its path and why', async (_, path, why) => {
    const { process } = await startGateway(bench, { env: { NATTER_GATEWAY_APPS: path } })
    expect((await process.exited).code).toBe(1)
    const failed = process.lines.find((line) => line.includes('process:start:failed'))
    expect(failed).toContain(`The app ${path} of gateway.apps can't be started`)
    expect(failed).toContain(why)
    expect(process.lines.join('\n')).not.toContain('gateway:listen') // nobody was let in
  })
})
