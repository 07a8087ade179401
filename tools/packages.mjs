/**
 * Installs the packages when what is in node_modules is not what the lockfile says, which npm itself records there.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pinnedNode, root } from './paths.mjs'

/** Optional packages are those of other platforms, and may be missing; of them, only the pinned Node is needed. */
export function packagesMatch() {
  const record = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(record) || pinnedNode() === null) return false
  const read = (file) => JSON.parse(readFileSync(file, 'utf8')).packages
  const installed = read(record)
  return Object.entries(read(join(root, 'package-lock.json'))).every(([path, wanted]) => {
    if (path === '') return true
    const found = installed[path]
    return found === undefined ? wanted.optional === true : found.version === wanted.version
  })
}

/**
 * @param {(line: string) => void} say
 * @returns {Promise<boolean>}
 */
export function installPackages(say) {
  const startedAt = Date.now()
  const seconds = () => Math.round((Date.now() - startedAt) / 1000)
  say('packages: installing what the lockfile says, with npm ci')
  const beat = setInterval(() => say(`packages: installing, ${seconds()} s`), 5000)
  const npm = process.env.npm_execpath
  const [command, ...before] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm']
  const flags = ['ci', '--no-audit', '--no-fund', '--include=dev', '--include=optional', '--loglevel=error']
  return new Promise((resolve) => {
    let errors = ''
    const child = spawn(command, [...before, ...flags], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr.setEncoding('utf8').on('data', (text) => (errors += text))
    child.on('error', (error) => {
      errors += `npm error ${error.message}`
      child.emit('close', 127)
    })
    child.once('close', (code) => {
      clearInterval(beat)
      if (code === 0) say(`packages: installed in ${seconds()} s`)
      else say(`packages: npm ci failed: ${firstError(errors)}`)
      resolve(code === 0)
    })
  })
}

/** npm's errors open with a code; the first line that says more than the code is the one to read. */
function firstError(text) {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/^npm (error|ERR!)\s*/, '').trim())
    .filter((line) => line !== '')
  return lines.find((line) => !line.startsWith('code ')) ?? 'without a word'
}
