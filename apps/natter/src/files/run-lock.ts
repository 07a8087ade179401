import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { identify, isAlive, type ProcessIdentity } from '../process/process-identity.js'
import { readIdentity, removeIdentity } from './identity-file.js'

/**
 * One run per data folder: a file that names the process which holds it.
 *
 * L1. The lock appears whole or not at all: it is written aside and linked, and a link refuses to replace.
 * L2. Only a lock whose process is gone is moved away. Two who take over at once: the second may have moved the first one's
 *     fresh lock, sees that by reading what it moved, and puts it back.
 * L3. A number alone is not believed: the process must have started when the lock says (ProcessIdentity).
 */
export type LockOutcome = { is: 'held'; by: ProcessIdentity } | { is: 'acquired'; release: () => void }

export function acquireLock(file: string, self: ProcessIdentity | null = identify(process.pid)): LockOutcome {
  if (self === null) throw new Error('this process cannot read its own start time')
  mkdirSync(dirname(file), { recursive: true })
  const beside = `${file}.${self.pid}`
  writeFileSync(beside, JSON.stringify(self))
  try {
    return take(file, beside, self)
  } finally {
    rmSync(beside, { force: true })
  }
}

function take(file: string, beside: string, self: ProcessIdentity): LockOutcome {
  for (;;) {
    if (linked(beside, file)) return { is: 'acquired', release: () => release(file, self) } // L1
    const holder = readIdentity(file)
    if (holder !== null && isAlive(holder)) return { is: 'held', by: holder } // L3
    moveAway(file, `${file}.${self.pid}.stale`)
  }
}

/** L2 */
function moveAway(file: string, aside: string): void {
  try {
    renameSync(file, aside)
  } catch {
    return // somebody else did
  }
  const moved = readIdentity(aside)
  if (moved !== null && isAlive(moved)) linked(aside, file)
  rmSync(aside, { force: true })
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function release(file: string, self: ProcessIdentity): void {
  const holder = readIdentity(file)
  if (holder?.pid === self.pid && holder.startedAt === self.startedAt) removeIdentity(file)
}
