import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from '@jest/globals'
import { startProcess, typescriptArgs, type StartedProcess } from '@natter/testing'

const fixture = join(import.meta.dirname, 'fixtures', 'process-life.ts')

describe('the end of a process', () => {
  const started: StartedProcess[] = []
  afterEach(async () => {
    for (const child of started.splice(0)) await child.kill('SIGKILL')
  })

  async function start(behaviour: string): Promise<StartedProcess> {
    const child = await startProcess({ args: [fixture, behaviour] })
    started.push(child)
    await child.waitForLine((line) => line.includes('fixture:ready'))
    return child
  }

  const events = ({ lines }: StartedProcess): string[] =>
    lines.flatMap((line) => (line.startsWith('{') ? [String(JSON.parse(line).event)] : []))

  it.each(['SIGTERM', 'SIGINT'] as const)('by %s runs the handler and is clean', async (signal) => {
    const child = await start('prompt')
    expect(await child.kill(signal)).toEqual({ code: 0, signal: null })
    expect(events(child)).toEqual(['fixture:ready', 'process:stop:start', 'process:stop:done'])
  })

  it('is not clean if the handler failed, and says why', async () => {
    const child = await start('failing')
    expect((await child.kill()).code).toBe(1)
    expect(child.lines.at(-1)).toContain('could not drain')
  })

  it('comes by the deadline, whatever the handler does', async () => {
    const child = await start('hanging')
    expect((await child.kill()).code).toBe(1)
    expect(events(child).at(-1)).toBe('process:stop:late')
  })

  it('is hurried by a second signal, which the handler hears', async () => {
    const child = await start('patient')
    process.kill(child.pid, 'SIGTERM')
    await child.waitForLine((line) => line.includes('process:stop:start'))
    expect(await child.kill('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(events(child)).toContain('process:stop:hurry')
  })

  it('comes a second after the second signal, not at the deadline, where the handler does not listen (S2)', async () => {
    const child = await start('stubborn') // 10 s
    process.kill(child.pid, 'SIGTERM')
    await child.waitForLine((line) => line.includes('process:stop:start'))
    const hurriedAtMs = performance.now()
    expect((await child.kill('SIGTERM')).code).toBe(1)
    expect(performance.now() - hurriedAtMs).toBeLessThan(5_000)
    expect(events(child).slice(-2)).toEqual(['process:stop:hurry', 'process:stop:late'])
  })

  it.each(['throw', 'reject'])('by what nobody caught (%s) is logged with its stack', async (behaviour) => {
    const child = await startProcess({ args: [fixture, behaviour] })
    started.push(child)
    expect((await child.exited).code).toBe(1)
    const crash = child.lines.find((line) => line.includes('process:crash')) ?? '{}'
    expect(JSON.parse(crash)).toMatchObject({
      level: 'error',
      error: { message: 'nobody caught me' },
      stack: expect.stringContaining('process-life.ts'),
    })
  })
})

describe('a supervised process', () => {
  const children: ChildProcess[] = []
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
  })

  async function launch(env: Record<string, string>) {
    const child = fork(fixture, [], {
      execArgv: [...typescriptArgs],
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    })
    children.push(child)
    const output = text(child.stdout ?? Readable.from([])) // to its end: `close` never comes after a disconnect from here
    const [ready] = (await once(child, 'message')) as [unknown]
    const stopReason = async (): Promise<unknown> => {
      const line = (await output).split('\n').find((candidate) => candidate.includes('process:stop:start'))
      return line === undefined ? undefined : JSON.parse(line).reason
    }
    return { child, ready, stopReason }
  }

  it('says when it is ready, and ends when its supervisor is gone', async () => {
    const { child, ready, stopReason } = await launch({ NATTER_SUPERVISED: '1' })
    expect(ready).toEqual({ type: 'ready', details: { port: 1 } })
    child.disconnect() // what the child sees when the supervisor is killed
    expect(await stopReason()).toBe('supervisor gone')
  })

  it('lives on when a parent lets go that is no supervisor', async () => {
    const { child, stopReason } = await launch({ NATTER_SUPERVISED: '' })
    child.disconnect()
    await once(child, 'disconnect')
    child.kill('SIGTERM')
    expect(await stopReason()).toBe('SIGTERM')
  })
})
