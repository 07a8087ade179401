import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UnavailableError } from '@natter/primitives'
import { readIdentity, removeIdentity } from '../files/identity-file.js'
import { isAlive, signal, type ProcessIdentity } from './process-identity.js'

const stepMs = 50
/**
 * How an orphan is asked, and how long it is waited for each time. Children of a killed supervisor end by themselves within
 * seconds. All of ours end by SIGINT as by SIGTERM, and Postgres sends its clients away instead of waiting for them to leave; by
 * SIGQUIT it ends at once and takes its children with it, which SIGKILL would leave behind on its shared memory.
 */
const steps: readonly (readonly [name: NodeJS.Signals, patienceMs: number])[] = [
  ['SIGINT', 5000],
  ['SIGQUIT', 5000],
  ['SIGKILL', 5000],
]

/**
 * Ends the process that this file names, if it still runs, and forgets it.
 *
 * @throws UnavailableError `orphan-stays` when it can't be ended, e.g. because another user started it. The file stays.
 */
export async function endOrphan(file: string, send = signal): Promise<boolean> {
  const orphan = readIdentity(file)
  const wasAlive = orphan !== null && (await endProcess(orphan, file, send))
  removeIdentity(file)
  return wasAlive
}

async function endProcess(orphan: ProcessIdentity, file: string, send: typeof signal): Promise<boolean> {
  if (!isAlive(orphan)) return false
  for (const [name, patienceMs] of steps) {
    const isSent = send(orphan, name)
    if (await hasEnded(orphan, isSent ? patienceMs : 0)) return true
  }
  throw new UnavailableError(
    'orphan-stays',
    `Process ${orphan.pid}, which an earlier run left behind (${file}), can't be ended: ` +
      `end it as its user or as root (kill ${orphan.pid}), then start again.`,
  )
}

async function hasEnded(orphan: ProcessIdentity, patienceMs: number): Promise<boolean> {
  for (let waitedMs = 0; isAlive(orphan); waitedMs += stepMs) {
    if (waitedMs >= patienceMs) return false
    await sleep(stepMs)
  }
  return true
}

/**
 * Ends what a killed run left behind; answers the names of what was still there.
 *
 * @throws UnavailableError `orphan-stays`.
 */
export async function endOrphans(folder: string): Promise<string[]> {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.pid')) : []
  const ended = await Promise.all(files.map((name) => endOrphan(join(folder, name))))
  return files.filter((_, index) => ended[index]).map((name) => name.slice(0, -'.pid'.length))
}
