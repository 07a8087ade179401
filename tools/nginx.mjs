/**
 * Finds the nginx that tests start, or installs Debian's when this is root; prints its absolute path.
 *
 *   node tools/nginx.mjs
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { run } from './run.mjs'

const places = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx', '/usr/local/bin/nginx']

/**
 * @param {(line: string) => void} say
 * @returns {Promise<string | null>}
 */
export async function obtainNginx(say) {
  const named = process.env.NATTER_TEST_NGINX
  if (named)
    return existsSync(named) ? resolve(named) : refuse(say, `NATTER_TEST_NGINX: ${named} does not exist`)
  const found = places.find((place) => existsSync(place))
  if (found !== undefined) return found
  if (process.getuid?.() !== 0) return refuse(say, 'nginx: not installed, and this is not root')
  say('nginx: installing it with apt-get')
  // the package wants to start its own server, on port 80: RUNLEVEL makes Debian's scripts leave that
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const apt = (...args) => run('apt-get', ['-q', '-y', ...args], { env, timeoutMs: 400_000 })
  await apt('update')
  const installed = await apt('install', '--no-install-recommends', 'nginx-light')
  if (!installed.ok) return refuse(say, `nginx: ${installed.reason}`)
  return places.find((place) => existsSync(place)) ?? refuse(say, 'nginx: installed, but not found')
}

function refuse(say, line) {
  say(line)
  say('Install nginx (Debian: apt-get install nginx-light), or set NATTER_TEST_NGINX to its file.')
  return null
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = await obtainNginx((line) => process.stderr.write(`${line}\n`))
  if (file === null) process.exitCode = 1
  else process.stdout.write(`${file}\n`)
}
