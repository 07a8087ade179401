import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { MeshSite, until, type RunningMesh } from './running-mesh.js'

describe('natter dev', () => {
  let site: MeshSite
  let sources: string
  let mesh: RunningMesh
  let before: Map<string, number>

  const pids = () => new Map([...mesh.processes()].map(([name, { pid }]) => [name, pid]))
  const save = (file: string) => writeFileSync(join(sources, file), 'export {}\n')
  const isNew = (name: string) => (pids().get(name) ?? before.get(name)) !== before.get(name)
  const isHealthy = async () => (await mesh.fetch('supervisor-ops', '/health')).status === 200

  beforeEach(async () => {
    site = await MeshSite.open()
    sources = mkdtempSync(join(tmpdir(), 'natter-sources-'))
    for (const folder of ['apps/gateway/src', 'apps/messenger/src', 'apps/persistence/src', 'libs/hub/src']) {
      mkdirSync(join(sources, folder), { recursive: true })
    }
    mesh = site.start({ sourceRoot: sources })
    await mesh.ready()
    before = pids()
  })

  afterEach(async () => {
    await site.clear()
    rmSync(sources, { recursive: true })
  })

  it('restarts the gateways within 3 s of a save, one after the other, because clients need one that stands', async () => {
    save('apps/gateway/src/main.ts')
    await until(
      async () => isNew('gateway-1') && isNew('gateway-2') && (await isHealthy()),
      3000,
      'new gateways',
    )
    expect(pids().get('messenger')).toBe(before.get('messenger'))
    const order = [...(mesh.output.split('restart\n')[1] ?? '').matchAll(/(gateway-\d) +(stopped|ready)/g)]
    expect(order.map(([, name, what]) => `${name} ${what}`)).toEqual([
      'gateway-1 stopped',
      'gateway-1 ready',
      'gateway-2 stopped',
      'gateway-2 ready',
    ])
  })

  it('restarts the messenger or persistence alone for its own files, and everything but NATS for a lib', async () => {
    save('apps/messenger/src/main.ts')
    await until(async () => isNew('messenger') && (await isHealthy()), 3000, 'a new messenger')
    expect(isNew('gateway-1') || isNew('gateway-2') || isNew('persistence')).toBe(false)
    before = pids()
    save('apps/persistence/src/main.ts')
    await until(async () => isNew('persistence') && (await isHealthy()), 3000, 'a new persistence')
    expect(isNew('gateway-1') || isNew('gateway-2') || isNew('messenger')).toBe(false)
    before = pids()
    save('libs/hub/src/hub.ts')
    const names = ['gateway-1', 'gateway-2', 'messenger', 'persistence']
    await until(async () => names.every(isNew) && (await isHealthy()), 5000, 'all new')
    expect(isNew('nats')).toBe(false)
  })

  it('prints where the inspectors are', () => {
    expect(mesh.output).toMatch(/gateway-1, pid \d+, inspector on \d+/)
  })
})
