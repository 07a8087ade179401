/** A Chromium with a page of another origin than the gateways, so that the rules of Origin and CORS are exercised for real. */
import { launchChromium } from '@natter/testing'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import type { Combination } from '../combinations.js'
import type { Stage, Way } from '../stage.js'
import type { Law, Server } from '../world.js'

export interface Browser {
  /** Of its pages. */
  readonly origin: string
  run(law: Law, combination: Combination, stage: Stage): Promise<void>
  stop(): Promise<void>
}

export async function startBrowser(): Promise<Browser> {
  const http = await servePage(bundle())
  const { port } = http.address() as AddressInfo
  const origin = `http://localhost:${port}`
  const chromium = await launchChromium()
  if (!chromium.found) throw new Error(`These tests need a browser: ${chromium.reason}`)
  const ways = new Map<number, Way>()
  await chromium.context.exposeFunction(
    'serverDoes',
    (run: number, method: keyof Server, given: readonly unknown[]) => {
      const way = ways.get(run)
      if (way === undefined) throw new Error(`no law has the number ${run}`)
      const act = way.server[method] as (...all: readonly unknown[]) => Promise<unknown>
      return act(...given)
    },
  )
  const pages = new Map<string, Promise<Page>>()
  /** One for each way in which the SDK can speak. */
  const pageOf = ({ transport, encoding }: Combination, isForeign: boolean): Promise<Page> => {
    const address = isForeign ? `http://127.0.0.1:${port}` : origin
    const key = `${address} ${transport} ${encoding}`
    const open = async (): Promise<Page> => {
      const page = await chromium.context.newPage()
      await page.goto(address)
      return page
    }
    const page = pages.get(key) ?? open()
    pages.set(key, page)
    return page
  }
  let runs = 0
  return {
    origin,
    run: async (law, combination, stage) => {
      const page = await pageOf(combination, law.isForeign === true)
      const way = await stage.openWay()
      runs += 1
      const { title } = law
      const order = { title, combination, address: way.address, gateways: stage.gateways, run: runs }
      ways.set(runs, way)
      try {
        await page.evaluate((given) => window.runLaw(given), order)
      } finally {
        await way.close()
      }
    },
    stop: async () => {
      await chromium.close()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

function bundle(): string {
  const folder = mkdtempSync(join(tmpdir(), 'natter-page-'))
  const file = join(folder, 'page.js')
  const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'bundle.mjs'), file], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  if (status !== 0) throw new Error(`the page can't be bundled: ${stderr}`)
  const script = readFileSync(file, 'utf8')
  rmSync(folder, { recursive: true })
  return script
}

async function servePage(script: string): Promise<HttpServer> {
  const http = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.setHeader(
      'content-type',
      isScript ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8',
    )
    response.end(
      isScript ? script : '<!doctype html><title>laws</title><script type="module" src="/page.js"></script>',
    )
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return http
}
