import { describe, expect, it } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { typescriptArgs } from '@natter/testing'

const child = new URL('child.ts', import.meta.url).pathname

/**
 * Runs the application and signals it as soon as it works; the impatient operator does so again in its drain. A second signal that came
 * behind the end of the drain would be the system's to handle: Nest listens no more.
 */
async function terminated({ args = [], isImpatient = false }: { args?: string[]; isImpatient?: boolean }) {
  const running = spawn(process.execPath, [...typescriptArgs, child, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const exit = once(running, 'exit') as Promise<[number]>
  const lines: string[] = []
  for await (const line of createInterface(running.stdout)) {
    lines.push(line)
    if (line === 'WORKING' || (isImpatient && line === 'DRAIN')) running.kill('SIGTERM')
  }
  const [code] = await exit
  return { lines, code }
}

describe('SIGTERM', () => {
  it('ends what is in work while its database is open, once, and the process with 0', async () => {
    const { lines, code } = await terminated({ isImpatient: true })
    expect(lines).toEqual(['START', 'WORKING', 'DRAIN', 'DONE with a database open', 'STOP', 'CLOSED'])
    expect(code).toBe(0)
  })

  it('with a drain that fails ends the process with 1, although Nest would say 0', async () => {
    const { lines, code } = await terminated({ args: ['--failing-drain'] })
    expect(lines).toEqual(['START', 'WORKING', 'DRAIN', 'CLOSED'])
    expect(code).toBe(1)
  })
})
