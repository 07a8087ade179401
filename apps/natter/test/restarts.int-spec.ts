import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { isAlive } from '../src/process/process-identity.js'
import { MeshSite } from './running-mesh.js'

describe('a process that dies', () => {
  let site: MeshSite

  beforeEach(async () => {
    site = await MeshSite.open()
  })

  afterEach(() => site.clear())

  it('is started again and counted', async () => {
    const mesh = site.start()
    await mesh.ready()
    await mesh.killAndAwaitNext('gateway-1')
    const { body } = await mesh.fetch('supervisor-ops', '/metrics')
    expect(body).toMatch(/natter_supervisor_restarts_total\{process="gateway-1".*\} 1/)
    expect(body).toMatch(/natter_supervisor_restarts_total\{process="gateway-2".*\} 0/)
  })

  it('waits longer each time, or a broken one would burn the machine', async () => {
    const mesh = site.start()
    await mesh.ready()
    await mesh.killAndAwaitNext('messenger')
    await mesh.killAndAwaitNext('messenger')
    const waits = [...mesh.output.matchAll(/messenger +starts again in ([\d.]+) s/g)].map(([, wait]) =>
      Number(wait),
    )
    expect(waits).toHaveLength(2)
    expect(waits[0]).toBeLessThanOrEqual(1)
    expect(waits[1]).toBeGreaterThanOrEqual(1)
  })

  it('takes nats-server along when it is the guard, and both come back', async () => {
    const mesh = site.start()
    await mesh.ready()
    const server = mesh.process('nats-server')
    await mesh.killAndAwaitNext('nats')
    expect(isAlive(server)).toBe(false)
    expect(isAlive(mesh.process('nats-server'))).toBe(true)
  })

  it('may be nats-server, and the gateways stay', async () => {
    const mesh = site.start()
    await mesh.ready()
    const gateway = mesh.process('gateway-1')
    await mesh.killAndAwaitNext('nats-server')
    expect(isAlive(gateway)).toBe(true)
  })

  it('fails the start when it never came up, with its own last words', async () => {
    const mesh = site.start({ env: { NATTER_STAND_IN: 'broken' } })
    expect(await mesh.exited).toBe(1)
    expect(mesh.output).toMatch(/\S+ did not come up \(exit code 1\)/)
    expect(mesh.output).toContain('nats-unreachable: nothing answers')
  })

  it('that fails the start is not said to start again, because it does not', async () => {
    mkdirSync(join(site.folder, 'postgres'))
    writeFileSync(join(site.folder, 'postgres', 'PG_VERSION'), '9.6\n')
    const mesh = site.start({ postgres: 'embedded' })
    expect(await mesh.exited).toBe(1)
    expect(mesh.output).toMatch(/postgres did not come up \(exit code 1\)/)
    expect(mesh.output).not.toContain('starts again')
    const told = mesh.output.split('\n').filter((line) => line.includes(' error: '))
    expect(told).toEqual([
      expect.stringMatching(/postgres +error: postgres failed \(1\): postgres: could not access/),
    ])
  })

  it('needs no embedded NATS when NATTER_NATS_URL names one', async () => {
    const mesh = site.start({ env: { NATTER_NATS_URL: 'nats://127.0.0.1:1' } })
    await mesh.ready()
    expect([...mesh.processes().keys()].toSorted()).toEqual([
      'gateway-1',
      'gateway-2',
      'messenger',
      'persistence',
    ])
    expect(mesh.output).toContain('nats://127.0.0.1:1')
  })
})
