/// <reference lib="dom" />
/** Two people who write without pause, and what each of their pages was told. Reads the SDK's events, not the page. */
import type { Centrifuge, Subscription } from 'centrifuge'
import type { Page } from 'playwright-core'

export interface Witness {
  /** Publications as the SDK handed them over, in order. */
  seen: { id: string; offset: number }[]
  /** Ids whose publish was acknowledged. */
  acknowledged: string[]
  /** Publishes that got no good answer and were sent again with the same id. */
  repeated: number
  /** Times the SDK came back without having recovered. */
  lost: number
}

interface Traffic extends Witness {
  pending: number
  stop(): void
}

declare global {
  interface Window {
    /** The page's own debugging aid. */
    natter?: { readonly client: Centrifuge; readonly subscriptions: Record<string, Subscription> }
    traffic?: Traffic
  }
}

const room = 'general'

export async function signIn(page: Page, address: string, name: string): Promise<void> {
  await page.goto(`${address}#${room}`)
  await page.getByLabel('Your name').fill(name)
  await page.keyboard.press('Enter')
  await page.waitForFunction(
    (channel) => window.natter?.subscriptions[channel]?.state === 'subscribed',
    `room:${room}`,
  )
}

/** From now on the page writes down what it is told: on each page before anybody publishes, or the first messages go unseen. */
export function startWitness(page: Page): Promise<void> {
  return page.evaluate((channel) => {
    const subscription = window.natter?.subscriptions[channel]
    if (subscription === undefined) throw new Error(`not subscribed to ${channel}`)
    const traffic: Traffic = { seen: [], acknowledged: [], repeated: 0, lost: 0, pending: 0, stop() {} }
    window.traffic = traffic
    subscription.on('publication', ({ data, offset }) => {
      traffic.seen.push({ id: (data as { id: string }).id, offset: offset ?? 0 })
    })
    subscription.on('subscribed', ({ wasRecovering, recovered }) => {
      if (wasRecovering && !recovered) traffic.lost += 1
    })
  }, `room:${room}`)
}

/** Starts to publish `perSecond` messages a second; each is repeated with its id until it is acknowledged. */
export function startTraffic(page: Page, name: string, perSecond: number): Promise<void> {
  return page.evaluate(
    ({ channel, sender, everyMs }) => {
      const { traffic } = window
      const subscription = window.natter?.subscriptions[channel]
      if (subscription === undefined || traffic === undefined) throw new Error('no witness')
      const send = async (id: string): Promise<void> => {
        const message = { id, text: `message ${id}` }
        for (;;) {
          try {
            await subscription.publish(message)
            traffic.acknowledged.push(id)
            traffic.pending -= 1
            return
          } catch {
            traffic.repeated += 1
            await new Promise((again) => setTimeout(again, 100))
          }
        }
      }
      let count = 0
      const start = performance.now()
      // by the clock, not by ticks: a busy machine must not thin out the load
      const timer = setInterval(() => {
        for (; count * everyMs < performance.now() - start; count += 1) {
          traffic.pending += 1
          void send(`${sender}-${count}`)
        }
      }, everyMs)
      traffic.stop = () => clearInterval(timer)
    },
    { channel: `room:${room}`, sender: name, everyMs: 1_000 / perSecond },
  )
}

/** Stops publishing and waits until everything was acknowledged. */
export async function finishTraffic(page: Page): Promise<void> {
  await page.evaluate(() => window.traffic?.stop())
  await page.waitForFunction(() => window.traffic?.pending === 0, undefined, { timeout: 90_000 })
}

/** The ids whose publish was acknowledged so far. */
export function acknowledgedBy(page: Page): Promise<string[]> {
  return page.evaluate(() => window.traffic?.acknowledged ?? [])
}

/** The second page of a browser is another person. */
export function forgetName(page: Page): Promise<void> {
  return page.evaluate(() => localStorage.clear())
}

/** What the page was told, once it saw all of `ids` or the time is up: a page that never sees one must be looked at, too. */
export async function witness(page: Page, ids: readonly string[], timeoutMs: number): Promise<Witness> {
  const sawAll = (wanted: readonly string[]): boolean => {
    const seen = new Set(window.traffic?.seen.map(({ id }) => id))
    return wanted.every((id) => seen.has(id))
  }
  await page.waitForFunction(sawAll, ids, { timeout: timeoutMs }).catch(() => {})
  return page.evaluate(() => {
    const { seen = [], acknowledged = [], repeated = 0, lost = 0 } = window.traffic ?? {}
    return { seen, acknowledged, repeated, lost }
  })
}

/** Which gateway the page says it is connected to. */
export function gatewayOf(page: Page): Promise<number> {
  return page.evaluate(() => Number(/gateway (\d+)/.exec(document.body.innerText)?.[1]))
}

/** Every way in which what the pages saw breaks the promise, in words. */
export function violations(witnesses: readonly Witness[]): string[] {
  const found: string[] = []
  const acknowledged = witnesses.flatMap((one) => one.acknowledged)
  for (const [index, { seen, lost }] of witnesses.entries()) {
    const page = `page ${index + 1}`
    const counts = new Map<string, number>()
    for (const { id } of seen) counts.set(id, (counts.get(id) ?? 0) + 1)
    const missing = acknowledged.filter((id) => !counts.has(id))
    const doubled = [...counts].filter(([, count]) => count > 1).map(([id]) => id)
    if (missing.length > 0) found.push(`${page} misses ${missing.length}: ${missing.slice(0, 5).join(', ')}`)
    if (doubled.length > 0) found.push(`${page} saw twice: ${doubled.slice(0, 5).join(', ')}`)
    const falls = seen.filter(({ offset }, at) => at > 0 && offset <= (seen[at - 1]?.offset ?? 0))
    if (falls.length > 0) found.push(`${page} saw offsets fall: ${falls[0]?.offset}`)
    if (lost > 0) found.push(`${page} was told ${lost} times that it could not recover`)
  }
  const orders = witnesses.map(({ seen }) => seen.map(({ id }) => id).join(' '))
  if (new Set(orders).size > 1) found.push('the pages saw different orders')
  return found
}
