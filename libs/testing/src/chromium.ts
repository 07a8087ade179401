import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext } from 'playwright-core'

export type ChromiumLaunch =
  | { found: true; context: BrowserContext; close(): Promise<void> }
  /** Why there is no browser, for the test that then cannot run. */
  | { found: false; reason: string }

export interface ChromiumOptions {
  viewport?: { width: number; height: number }
  colorScheme?: 'light' | 'dark'
}

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // two pages of one browser are both at work: none is in the background
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
]

/** Launches the machine's Chromium (`NATTER_CHROMIUM`, else Debian's) headless, with a profile that is new and thrown away. */
export async function launchChromium(options: ChromiumOptions = {}): Promise<ChromiumLaunch> {
  const executablePath = process.env['NATTER_CHROMIUM'] ?? '/usr/bin/chromium'
  if (!existsSync(executablePath)) {
    return { found: false, reason: `no Chromium at ${executablePath}; set NATTER_CHROMIUM to one` }
  }
  const profile = await mkdtemp(join(tmpdir(), 'natter-chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: flags,
    viewport: options.viewport ?? { width: 1280, height: 800 },
    ...(options.colorScheme === undefined ? {} : { colorScheme: options.colorScheme }),
  })
  return {
    found: true,
    context,
    async close() {
      await context.close()
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
