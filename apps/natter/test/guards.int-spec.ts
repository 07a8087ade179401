import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { typescriptArgs } from '@natter/testing'

describe('a guard whose supervisor is gone before it could look', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'natter-guard-'))
    writeFileSync(join(folder, 'nats.conf'), '')
  })

  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it.each([
    // the program is never reached
    { guard: 'nats/nats-guard', args: (at: string) => [join(at, 'no-server'), join(at, 'nats.conf')] },
    { guard: 'postgres/postgres-guard', args: (at: string) => [join(at, 'data'), join(at, 'secrets.json')] },
  ])('$guard starts nothing, or nobody would end it', async ({ guard, args }) => {
    const file = new URL(`../src/${guard}.ts`, import.meta.url).pathname
    const identity = join(folder, 'server.pid')
    const child = fork(file, [...args(folder), identity, '127.0.0.1', '1'], {
      execArgv: [...typescriptArgs],
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    child.disconnect()
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(existsSync(identity)).toBe(false)
    expect(readdirSync(folder)).toEqual(['nats.conf'])
  })
})
