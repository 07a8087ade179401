/**
 * Finds the Chromium that browser tests drive, or installs Debian's when this is root; prints its absolute path.
 *
 *   node tools/chromium.mjs
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { run } from './run.mjs'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/**
 * @param {(line: string) => void} say
 * @returns {Promise<string | null>}
 */
export async function obtainChromium(say) {
  const named = process.env.NATTER_CHROMIUM
  if (named)
    return existsSync(named) ? resolve(named) : refuse(say, `NATTER_CHROMIUM: ${named} does not exist`)
  const found = places.find((place) => existsSync(place))
  if (found !== undefined) return found
  if (process.getuid?.() !== 0) return refuse(say, 'chromium: not installed, and this is not root')
  say('chromium: installing it with apt-get')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args) => run('apt-get', ['-q', '-y', ...args], { env, timeoutMs: 400_000 })
  await apt('update')
  const installed = await apt('install', '--no-install-recommends', 'chromium', 'fonts-dejavu-core')
  if (!installed.ok) return refuse(say, `chromium: ${installed.reason}`)
  return places.find((place) => existsSync(place)) ?? refuse(say, 'chromium: installed, but not found')
}

function refuse(say, line) {
  say(line)
  say('Install chromium (Debian: apt-get install chromium), or set NATTER_CHROMIUM to its file.')
  return null
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = await obtainChromium((line) => process.stderr.write(`${line}\n`))
  if (file === null) process.exitCode = 1
  else process.stdout.write(`${file}\n`)
}
