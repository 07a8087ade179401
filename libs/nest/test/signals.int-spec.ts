import { describe, expect, it } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const child = new URL('child.ts', import.meta.url).pathname

describe('SIGTERM', () => {
  it('ends what is in work while its database is open, once, and the process with 0', async () => {
    const process_ = spawn(process.execPath, ['--import', '@swc-node/register/esm-register', child], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    const lines: string[] = []
    for await (const line of createInterface(process_.stdout)) {
      lines.push(line)
      if (line === 'WORKING') process_.kill('SIGTERM')
      if (line === 'DRAIN') process_.kill('SIGTERM') // the impatient operator
    }
    const [code] =
      process_.exitCode === null ? ((await once(process_, 'exit')) as [number]) : [process_.exitCode]
    expect(lines).toEqual(['START', 'WORKING', 'DRAIN', 'DONE with a database open', 'STOP', 'CLOSED'])
    expect(code).toBe(0)
  })
})
