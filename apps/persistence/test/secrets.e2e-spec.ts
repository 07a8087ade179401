/** The password of the archive is planted, and then all that the persistence app prints and shows is looked through. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { freePort, leakCheck } from '@natter/testing'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Stack, type Running } from './stack.js'

const password = 'pLaNtEd w"ö\\rd/+?=&%41'

const forms = [
  encodeURIComponent(password),
  JSON.stringify(password).slice(1, -1),
  Buffer.from(password).toString('base64').replace(/=+$/, ''),
  'pLaNtEd',
]

const expectNone = (said: string): void => {
  for (const form of forms) expect(said).not.toContain(form)
}

describe('a secret that is planted in the persistence app', () => {
  let expectNoLeaks: ReturnType<typeof leakCheck>
  let stack: Stack
  let folder: string

  beforeEach(async () => {
    expectNoLeaks = leakCheck()
    stack = await Stack.open()
    folder = mkdtempSync(join(tmpdir(), 'natter-secrets-'))
  }, 60_000)

  afterEach(async () => {
    await stack.close()
    rmSync(folder, { recursive: true })
    await expectNoLeaks()
  }, 30_000)

  const urlOf = (user: string, port = new URL(stack.url).port): string => {
    const url = new URL(stack.url)
    return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}${url.pathname}`
  }

  async function look({ process, ops }: Running): Promise<void> {
    for (const path of ['/health', '/health/ready', '/metrics'])
      expectNone(await (await fetch(ops + path)).text())
    expectNone(process.lines.join('\n'))
  }

  it('is never printed nor shown: at work, refused, cut off, reloaded, ended', async () => {
    const file = join(folder, 'url')
    writeFileSync(file, `${urlOf(new URL(stack.url).username)}\n`)
    const one = await stack.running({
      NATTER_POSTGRES_URL: '',
      NATTER_POSTGRES_URL_FILE: file,
      NATTER_LOG_LEVEL: 'debug',
    })
    const refused = await stack.start({
      NATTER_POSTGRES_URL: urlOf('nobody-there'),
      NATTER_LOG_LEVEL: 'debug',
    })
    const cutOff = await stack.start({ NATTER_POSTGRES_URL: urlOf('ana', String(await freePort())) })
    const wrong = await stack.start({ NATTER_POSTGRES_URL: `mysql://ana:${encodeURIComponent(password)}@h` })
    for (const { process: child } of [refused, cutOff])
      await child.waitForLine((line) => line.includes('"archive:migrate:failed"'))
    expect((await wrong.process.exited).code).toBe(78)
    await stack.publish('kept:a', '1')
    await stack.caughtUp()
    await stack.postgres.kill('SIGKILL')
    await stack.publish('kept:a', '2')
    await one.process.waitForLine((line) => line.includes('"stream:fail"'))
    writeFileSync(file, `mysql://ana:${encodeURIComponent(password)}@h`)
    process.kill(one.process.pid, 'SIGHUP')
    await one.process.waitForLine((line) => line.includes('"config:reload:refused"'))
    for (const running of [one, refused, cutOff]) {
      await look(running)
      await running.process.kill('SIGTERM')
    }
    for (const running of [one, refused, cutOff, wrong]) expectNone(running.process.lines.join('\n'))
  })
})
