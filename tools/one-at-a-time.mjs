import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Does the work while no other process that asked for the same file does its own: two who set up one clone at once would
 * delete each other's packages. A file left by a killed process is taken over.
 *
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function oneAtATime(file, work) {
  mkdirSync(dirname(file), { recursive: true })
  while (!taken(file)) await sleep(200)
  const giveBack = () => rmSync(file, { force: true })
  process.once('exit', giveBack)
  try {
    return await work()
  } finally {
    process.off('exit', giveBack)
    giveBack()
  }
}

function taken(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  if (!isHeld(file)) rmSync(file, { force: true })
  return false
}

function isHeld(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    if (pid > 0) return process.kill(pid, 0)
    return Date.now() - statSync(file).mtimeMs < 2000 // empty between its creation and its first byte
  } catch (error) {
    return error.code === 'EPERM'
  }
}
