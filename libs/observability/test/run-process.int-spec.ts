import { afterEach, describe, expect, it } from '@jest/globals'
import { freePort, startProcess, typescriptArgs, type StartedProcess } from '@natter/testing'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'

const fixture = join(import.meta.dirname, 'fixtures', 'run-process.ts')

describe('a process that is run', () => {
  const started: StartedProcess[] = []
  const forked: ChildProcess[] = []
  afterEach(async () => {
    for (const child of started.splice(0)) await child.kill('SIGKILL')
    for (const child of forked.splice(0)) child.kill('SIGKILL')
  })

  async function start(behaviour: string, port: number): Promise<StartedProcess> {
    const child = await startProcess({ args: [fixture, behaviour, String(port)] })
    started.push(child)
    return child
  }

  const linesOf = ({ lines }: StartedProcess): Record<string, unknown>[] =>
    lines.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))

  it('tells on its page what its app told, under its name, and stops the app before it ends', async () => {
    const port = await freePort()
    const child = await start('sound', port)
    await child.waitForLine((line) => line.includes('process:start:done'))
    const health = await fetch(`http://127.0.0.1:${port}/health`)
    expect([health.status, await health.json()]).toEqual([
      503,
      { status: 'unavailable', checks: { door: 'is shut' } },
    ])
    expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain(
      'natter_doors{node="node-x"} 3',
    )
    expect(await child.kill()).toEqual({ code: 0, signal: null })
    expect(linesOf(child)).toMatchObject([
      { event: 'ops:listen', host: '127.0.0.1', port, node: 'node-x' },
      { event: 'fixture:start', node: 'node-x' },
      { event: 'process:start:done', port: 1 },
      { event: 'process:stop:start', reason: 'SIGTERM' },
      { event: 'fixture:stop' },
      { event: 'process:stop:done' },
    ])
  })

  it('ends with 1 and one line that says why if its app does not start (R3)', async () => {
    const child = await start('broken', await freePort())
    expect((await child.exited).code).toBe(1)
    expect(linesOf(child)).toMatchObject([
      { event: 'ops:listen' },
      { level: 'error', event: 'process:start:failed', error: { message: 'no way to NATS' } },
    ])
  })

  it('has its page before its app: alive and not ready while the app starts, ready without further asking (R1)', async () => {
    const port = await freePort()
    const child = await start('slow', port)
    await child.waitForLine((line) => line.includes('fixture:start'))
    const ask = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`)
      return [response.status, await response.text()]
    }
    expect(await ask('/health/live')).toEqual([200, expect.any(String)])
    expect(await ask('/health/ready')).toEqual([503, expect.stringContaining('starting')])
    expect((await ask('/metrics'))[0]).toBe(200)
    expect(child.lines.join('\n')).not.toContain('process:start:done')
    process.kill(child.pid, 'SIGUSR2')
    await child.waitForLine((line) => line.includes('process:start:done'))
    expect(await ask('/health/ready')).toEqual([503, expect.not.stringContaining('starting')]) // its door is shut
  })

  it('ends at once, and well, when it is asked to while its app still starts (R4)', async () => {
    const child = await start('slow', await freePort())
    await child.waitForLine((line) => line.includes('fixture:start'))
    expect(await child.kill()).toEqual({ code: 0, signal: null })
    expect(linesOf(child).at(-1)).toMatchObject({ event: 'process:stop:done' })
  })

  it('keeps its page until the app has ended: alive, not ready, and why; and the app hears of the second signal (R1)', async () => {
    const port = await freePort()
    const child = await start('patient', port)
    await child.waitForLine((line) => line.includes('process:start:done'))
    process.kill(child.pid, 'SIGTERM')
    await child.waitForLine((line) => line.includes('fixture:stop'))
    const ready = await fetch(`http://127.0.0.1:${port}/health/ready`)
    expect([ready.status, await ready.json()]).toMatchObject([
      503,
      { checks: { draining: 'This process is about to end.' } },
    ])
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200)
    expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(200)
    expect(await child.kill()).toEqual({ code: 0, signal: null })
  })

  it('is over by its own deadline, with 1, if its app hangs', async () => {
    const child = await start('hanging', await freePort())
    await child.waitForLine((line) => line.includes('process:start:done'))
    expect(await child.kill()).toEqual({ code: 1, signal: null })
    expect(linesOf(child).at(-1)).toMatchObject({ event: 'process:stop:late', deadlineMs: 300 })
  })

  it('does not go on without its page: a port in use is a failed start (R3)', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const child = await start('sound', typeof address === 'object' && address !== null ? address.port : 0)
    expect((await child.exited).code).toBe(1)
    other.close()
    expect(linesOf(child).at(-1)).toMatchObject({
      event: 'process:start:failed',
      error: { code: 'port-in-use' },
    })
  })

  const hangUp = ({ pid }: StartedProcess): true => process.kill(pid, 'SIGHUP')

  it('reads its configuration again when it is asked to, tells and counts what came of it, and goes on (R5)', async () => {
    const port = await freePort()
    const child = await start('telling', port)
    await child.waitForLine((line) => line.includes('process:start:done'))
    const metric = async (name: string): Promise<string | undefined> => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      return text
        .split('\n')
        .find((line) => line.startsWith(`natter_config_${name}{`) && !line.startsWith('#'))
    }
    expect(Number((await metric('loaded_seconds'))?.split(' ')[1])).toBeGreaterThan(1_700_000_000)
    hangUp(child)
    await child.waitForLine((line) => line.includes('config:reload:restart-needed'))
    expect(await metric('restart_settings')).toMatch(/ 1$/)
    hangUp(child)
    await child.waitForLine((line) => line.includes('config:reload:refused'))
    expect(await metric('refused')).toMatch(/ 1$/)
    hangUp(child)
    await child.waitForLine((line) => line.includes('config:reload:failed'))
    expect(await metric('reloads_total')).toMatch(/outcome="taken".* 1$/)
    expect(linesOf(child).filter(({ event }) => String(event).startsWith('config:'))).toMatchObject([
      { level: 'info', event: 'config:reload:done', changed: ['door.guests'] },
      { level: 'warn', event: 'config:reload:restart-needed', keys: ['door.port'] },
      {
        level: 'error',
        event: 'config:reload:refused',
        code: 'config-refused',
        problems: [{ key: 'door.port', message: 'door.port must be a port.' }],
      },
      { level: 'error', event: 'config:reload:failed', error: { message: '(hidden) broke' } },
    ])
    expect(await child.kill()).toEqual({ code: 0, signal: null })
  })

  it('that reads its configuration at its start alone says so, and lives (R5)', async () => {
    const child = await start('sound', await freePort())
    await child.waitForLine((line) => line.includes('process:start:done'))
    hangUp(child)
    await child.waitForLine((line) => line.includes('config:reload:none'))
    expect(await child.kill()).toEqual({ code: 0, signal: null })
  })

  it('reads it once it has started, if it is asked before, and once more for all who ask meanwhile (R5)', async () => {
    const child = await start('slow', await freePort())
    await child.waitForLine((line) => line.includes('fixture:start'))
    hangUp(child)
    process.kill(child.pid, 'SIGUSR2') // it starts
    await child.waitForLine((line) => line.includes('process:start:done'))
    hangUp(child)
    hangUp(child)
    process.kill(child.pid, 'SIGUSR2')
    await child.waitForLine((line) => line.includes('config:reload:done'))
    process.kill(child.pid, 'SIGUSR2')
    await child.waitForLine((line) => line.includes('config:reload:refused'))
    process.kill(child.pid, 'SIGTERM')
    hangUp(child) // about to end: it comes too late
    expect(await child.exited).toEqual({ code: 0, signal: null })
    expect(linesOf(child).filter(({ event }) => String(event).startsWith('config:reload'))).toHaveLength(3)
  })

  it('never writes a secret of its configuration, nor shows it, whoever has it in a message', async () => {
    const port = await freePort()
    const child = await start('telling', port)
    await child.waitForLine((line) => line.includes('process:start:done'))
    expect(await (await fetch(`http://127.0.0.1:${port}/health`)).text()).toContain('(hidden) opens it')
    await child.kill()
    expect(child.lines.join('\n')).toContain('no (hidden)')
    expect(child.lines.join('\n')).not.toContain('a-planted-secret')
  })

  it('tells its supervisor where the app and the page are, once both can be reached (R2)', async () => {
    const port = await freePort()
    const child = fork(fixture, ['sound', String(port)], {
      execArgv: [...typescriptArgs],
      env: { ...process.env, NODE_OPTIONS: '', NATTER_SUPERVISED: '1' },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    forked.push(child)
    const exited = once(child, 'exit')
    const [ready] = (await once(child, 'message')) as [unknown]
    expect(ready).toEqual({ type: 'ready', details: { port: 1, opsPort: port } })
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200)
    child.disconnect() // what the child sees when the supervisor is killed
    expect(await exited).toEqual([0, null])
  })
})
