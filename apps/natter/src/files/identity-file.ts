import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ProcessIdentity } from '../process/process-identity.js'

/** Null when the file isn't there or was cut short: either way nobody can be named by it. */
export function readIdentity(file: string): ProcessIdentity | null {
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(file, 'utf8')) as Partial<ProcessIdentity>
    return typeof pid === 'number' && typeof startedAt === 'string' ? { pid, startedAt } : null
  } catch {
    return null
  }
}

/** By rename, so that a reader finds the old one or the new one, never half of one. */
export function writeIdentity(file: string, identity: ProcessIdentity): void {
  mkdirSync(dirname(file), { recursive: true })
  const beside = `${file}.${process.pid}`
  writeFileSync(beside, JSON.stringify(identity))
  renameSync(beside, file)
}

export function removeIdentity(file: string): void {
  rmSync(file, { force: true })
}
