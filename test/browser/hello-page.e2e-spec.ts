/** The page of docs/apps/client.md, word for word, in a real Chromium on a real gateway. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  freePort,
  launchChromium,
  startNatsServer,
  startProcess,
  type NatsServer,
  type StartedProcess,
} from '@natter/testing'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const repo = join(import.meta.dirname, '../..')
const folder = join(import.meta.dirname, 'hello')
const read = (path: string): string => readFileSync(path, 'utf8')

/** In place of the address that the page was written with. */
const address = '"http://127.0.0.1:8001"'

describe('the hello-world page', () => {
  let nats: NatsServer
  let gateway: StartedProcess
  let http: Server
  let port: number
  let chromium: Awaited<ReturnType<typeof launchChromium>>

  beforeAll(async () => {
    http = createServer((request, response) => {
      const isScript = request.url?.startsWith('/hello.js') === true
      response.setHeader('content-type', `${isScript ? 'text/javascript' : 'text/html'}; charset=utf-8`)
      const transport = new URLSearchParams(request.url?.split('?')[1]).get('by')
      const where = `"http://127.0.0.1:${port}", transports: ["${transport}"]`
      response.end(
        isScript ? script.replace(address, where) : html.replace('./hello.tsx', `/hello.js?by=${transport}`),
      )
    })
    const script = bundle()
    const html = read(join(folder, 'index.html'))
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    ;[nats, port, chromium] = await Promise.all([startNatsServer(), freePort(), launchChromium()])
    gateway = await startProcess({
      args: [join(repo, 'apps/gateway/src/main.ts')],
      cwd: repo,
      env: {
        NATTER_NATS_URL: nats.url,
        NATTER_CONFIG: join(repo, 'natter.yaml'),
        NATTER_GATEWAY_PORT: String(port),
        NATTER_GATEWAY_NAME: 'gateway-1',
        NATTER_CLIENT_ALLOWED_ORIGINS: page(),
        NATTER_LOG_LEVEL: 'info',
      },
    })
    await gateway.waitForLine((line) => line.includes('"gateway:listen"'), 30_000)
  }, 60_000)

  afterAll(async () => {
    if (chromium.found) await chromium.close()
    await gateway.kill()
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
    await nats.stop()
  }, 30_000)

  const page = (): string => `http://127.0.0.1:${(http.address() as AddressInfo).port}`

  it('is what the documentation shows, and fewer than 20 lines with its HTML', () => {
    const [html, script] = [read(join(folder, 'index.html')), read(join(folder, 'hello.tsx'))]
    const shown = [...read(join(repo, 'docs/apps/client.md')).matchAll(/```(?:html|tsx)\n([^]*?)```/g)]
    expect(shown.map(([, text]) => text)).toEqual([html, script])
    expect(`${html}${script}`.trim().split('\n').length).toBeLessThan(20)
  })

  it('shows in one window what is said in another one, over every transport', async () => {
    if (!chromium.found) throw new Error(`This test needs a browser: ${chromium.reason}`)
    const windows = []
    for (const transport of ['websocket', 'http_stream', 'sse']) {
      const one = await chromium.context.newPage()
      await one.goto(`${page()}/?by=${transport}`)
      windows.push(one)
    }
    for (const [index, one] of windows.entries()) {
      await one.click('ul')
      for (const other of windows) await other.waitForSelector(`li:nth-child(${index + 1})`)
    }
    expect(await windows[0]?.innerText('li:nth-child(3)')).toBe('Hello, world')
  }, 30_000)
})

function bundle(): string {
  const out = mkdtempSync(join(tmpdir(), 'natter-hello-'))
  const file = join(out, 'hello.js')
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'bundle.mjs'), file], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  if (status !== 0) throw new Error(`the page can't be bundled: ${stderr}`)
  const script = read(file)
  rmSync(out, { recursive: true })
  if (!script.includes(address)) throw new Error('the page names no gateway')
  return script
}
