import { statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { identify } from '../src/process/process-identity.js'
import { anyAlive, freeBasePort, MeshSite, until } from './running-mesh.js'

describe('a run of the mesh', () => {
  let site: MeshSite

  beforeEach(async () => {
    site = await MeshSite.open()
  })

  afterEach(() => site.clear())

  it('listens where the plan says, moved as a whole by --port', async () => {
    const mesh = site.start()
    await mesh.ready()
    expect(mesh.output).toContain(`http://127.0.0.1:${site.basePort}`)
    expect(mesh.output).toContain(`ws://127.0.0.1:${site.basePort + 2}/connection/websocket`)
    for (const port of [
      'page',
      'gateway-1',
      'gateway-2',
      'messenger-ops',
      'gateway-2-ops',
      'persistence-ops',
    ] as const) {
      expect(await mesh.fetch(port, '/')).toMatchObject({ status: 200 })
    }
    expect(await mesh.fetch('supervisor-ops', '/health')).toMatchObject({ status: 200 })
  })

  it('keeps the secret from other users of the machine, because it makes tokens', async () => {
    const mesh = site.start({ args: [], env: { NATTER_PORT: String(site.basePort) } })
    await mesh.ready()
    expect(statSync(join(site.folder, 'secrets.json')).mode & 0o777).toBe(0o600)
  })

  it('refuses a second run in the same folder and names the first, because two would write the same data', async () => {
    const first = site.start()
    await first.ready()
    const port = await freeBasePort()
    const second = site.start({ args: ['--json', '--port', String(port)] })
    expect(await second.exited).toBe(1)
    const message = expect.stringContaining(`already runs in ${site.folder}, as process ${first.pid}`)
    expect(JSON.parse(second.output)).toEqual({ error: { code: 'already-running', message } })
    expect(await first.fetch('supervisor-ops', '/health')).toMatchObject({ status: 200 })
  })

  it('takes over the lock of a killed run', async () => {
    const killed = site.start()
    await killed.ready()
    killed.signal('SIGKILL')
    await killed.exited
    const next = site.start()
    await next.ready()
  })

  it('takes over a lock whose number another process has now, because numbers are reused', async () => {
    const self = identify(process.pid)
    writeFileSync(join(site.folder, 'natter.lock'), JSON.stringify({ ...self, startedAt: 'long ago' }))
    await site.start().ready()
  })

  it('names each busy port, what it is for and how to move, and starts nothing', async () => {
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(site.basePort + 2, '127.0.0.1', resolve))
    try {
      const mesh = site.start({ postgres: 'embedded' })
      expect(await mesh.exited).toBe(1)
      expect(mesh.output).toContain(`Port ${site.basePort + 2} is taken; it is meant for gateway-2`)
      expect(mesh.output).toMatch(/--port \d+/)
      expect(mesh.output).not.toContain('ready')
    } finally {
      squatter.close()
    }
  })

  it('ends within 10 s of Ctrl-C and leaves no process', async () => {
    const mesh = site.start({ postgres: 'embedded' })
    await mesh.ready()
    const processes = [...mesh.processes().values()]
    expect(processes).toHaveLength(8)
    const askedAt = Date.now()
    mesh.signal('SIGINT')
    expect(await mesh.exited).toBe(0)
    expect(Date.now() - askedAt).toBeLessThan(10_000)
    expect(anyAlive(processes)).toBe(false)
  })

  it('hands on that the configuration is to be read again, to the apps and not to its servers, and goes on', async () => {
    const mesh = site.start({ postgres: 'embedded' })
    await mesh.ready()
    const processes = [...mesh.processes().values()]
    mesh.signal('SIGHUP')
    const isAsked = (name: string): boolean => mesh.log(name).includes('asked to read the configuration')
    const apps = ['gateway-1', 'gateway-2', 'persistence', 'messenger']
    await until(() => apps.every(isAsked), 5_000, 'all apps were asked')
    expect([...mesh.processes().values()]).toEqual(processes)
    expect(await mesh.fetch('supervisor-ops', '/health')).toMatchObject({ status: 200 })
    mesh.signal('SIGTERM')
    expect(await mesh.exited).toBe(0)
  })

  it('ends within 10 s also when a process ignores being asked', async () => {
    const mesh = site.start({ env: { NATTER_STAND_IN: 'stubborn' } })
    await mesh.ready()
    const processes = [...mesh.processes().values()]
    const askedAt = Date.now()
    mesh.signal('SIGTERM')
    expect(await mesh.exited).toBe(0)
    expect(Date.now() - askedAt).toBeLessThan(10_000)
    expect(anyAlive(processes)).toBe(false)
  })

  it('leaves no process 5 s after its supervisor was killed', async () => {
    const mesh = site.start({ postgres: 'embedded' })
    await mesh.ready()
    const processes = [...mesh.processes().values()]
    mesh.signal('SIGKILL')
    await until(() => !anyAlive(processes), 5000, 'all processes have ended')
  })
})
