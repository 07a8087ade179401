/**
 * Installs Debian's packages where this is root. One of us at a time: apt gives up at once when another one has its lock.
 */
import { join } from 'node:path'
import { oneAtATime } from './one-at-a-time.mjs'
import { root } from './paths.mjs'
import { run } from './run.mjs'

/**
 * @param {string[]} packages
 * @returns {Promise<{ ok: boolean, reason: string }>} without recommended packages, and without starting what is a service
 */
export async function aptInstall(packages) {
  if (process.getuid?.() !== 0) return { ok: false, reason: 'not installed, and this is not root' }
  // the packages of servers want to start them: RUNLEVEL makes Debian's scripts leave that
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const options = ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300']
  const apt = (...args) => run('apt-get', [...options, ...args], { env, timeoutMs: 400_000 })
  return oneAtATime(join(root, '.natter', 'apt.lock'), async () => {
    await apt('update')
    return apt('install', '--no-install-recommends', ...packages)
  })
}
