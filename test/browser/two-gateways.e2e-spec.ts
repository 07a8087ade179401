import { afterEach, describe, expect, it } from '@jest/globals'
import { launchChromium, type ChromiumLaunch } from '@natter/testing'
import { plantedCopy } from '../mutants/planted-copy.js'
import { startStack, type Stack } from './stack.js'
import {
  acknowledgedBy,
  finishTraffic,
  forgetName,
  gatewayOf,
  signIn,
  startTraffic,
  startWitness,
  violations,
  witness,
  type Witness,
} from './traffic.js'

const perSecond = 20

interface Run {
  seconds: number
  crashes: number
  /** How long to wait for messages that should have come. */
  patienceMs: number
  source?: string
}

describe('two browsers on two gateways', () => {
  let chromium: ChromiumLaunch | undefined
  let stack: Stack | undefined

  afterEach(async () => {
    if (chromium?.found) await chromium.close()
    await stack?.stop()
  })

  /** Both pages write without pause while the gateway of the first is killed at random moments. */
  const run = async ({ seconds, crashes, patienceMs, source }: Run): Promise<Witness[]> => {
    chromium = await launchChromium()
    if (!chromium.found) throw new Error(`This test needs a browser: ${chromium.reason}`)
    stack = await startStack(source)
    const pages = [await chromium.context.newPage(), await chromium.context.newPage()] as const
    await signIn(pages[0], `${stack.page}/?gateway=1`, 'Ana')
    await forgetName(pages[0])
    await signIn(pages[1], `${stack.page}/?gateway=2`, 'Ben')
    for (const page of pages) await startWitness(page)
    await startTraffic(pages[0], 'ana', perSecond)
    await startTraffic(pages[1], 'ben', perSecond)
    const start = performance.now()
    const moments = Array.from({ length: crashes }, () => Math.random() * (seconds - 3)).toSorted(
      (a, b) => a - b,
    )
    for (const moment of [...moments, seconds]) {
      const leftMs = start + moment * 1_000 - performance.now()
      if (leftMs > 0) await pages[0].waitForTimeout(leftMs) // the load itself lasts this long
      if (moment === seconds) break
      const number = await gatewayOf(pages[0])
      await stack.gateways.find((gateway) => gateway.number === number)?.crash()
    }
    for (const page of pages) await finishTraffic(page)
    const acknowledged = await Promise.all(pages.map(acknowledgedBy))
    return Promise.all(pages.map((page) => witness(page, acknowledged.flat(), patienceMs)))
  }

  it('sees each acknowledged message exactly once, in one order, while a gateway is killed three times', async () => {
    const witnesses = await run({ seconds: 30, crashes: 3, patienceMs: 20_000 })
    expect(violations(witnesses)).toEqual([])
    for (const { acknowledged, seen } of witnesses) {
      expect(acknowledged.length).toBeGreaterThan(perSecond * 25)
      expect(seen.length).toBe(witnesses.reduce((sum, one) => sum + one.acknowledged.length, 0))
    }
    expect(witnesses.reduce((sum, { repeated }) => sum + repeated, 0)).toBeGreaterThan(0)
  }, 300_000)

  it('the same run finds the bug when recovered messages are not spliced in, or it would prove nothing', async () => {
    const copy = await plantedCopy('skip-the-splice')
    try {
      const witnesses = await run({ seconds: 10, crashes: 2, patienceMs: 3_000, source: copy.folder })
      expect(violations(witnesses)).toContainEqual(expect.stringMatching(/^page 1 misses/))
    } finally {
      await copy.remove()
    }
  }, 240_000)
})
