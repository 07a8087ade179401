import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readIdentity, removeIdentity } from '../files/identity-file.js'
import { isAlive, signal, type ProcessIdentity } from './process-identity.js'

const stepMs = 50
/** Children of a killed supervisor end by themselves within seconds; after this long they are helped. */
const patienceMs = 5000

/**
 * Ends the process that this file names, if it still runs, and forgets it. It is sent SIGINT: all of ours end by it as by
 * SIGTERM, and Postgres sends its clients away instead of waiting for them to leave.
 */
export async function endOrphan(file: string): Promise<boolean> {
  const orphan = readIdentity(file)
  const wasAlive = orphan !== null && (await endProcess(orphan))
  removeIdentity(file)
  return wasAlive
}

async function endProcess(orphan: ProcessIdentity): Promise<boolean> {
  const wasAlive = signal(orphan, 'SIGINT')
  for (let waitedMs = 0; isAlive(orphan); waitedMs += stepMs) {
    if (waitedMs >= patienceMs) signal(orphan, 'SIGKILL')
    await sleep(stepMs)
  }
  return wasAlive
}

/** Ends what a killed run left behind; answers the names of what was still there. */
export async function endOrphans(folder: string): Promise<string[]> {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.pid')) : []
  const ended = await Promise.all(files.map((name) => endOrphan(join(folder, name))))
  return files.filter((_, index) => ended[index]).map((name) => name.slice(0, -'.pid'.length))
}
