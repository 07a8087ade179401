import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * A process, told apart from a later one that was given the same number: numbers are reused, above all after a reboot, when
 * the same few processes start in the same order.
 */
export interface ProcessIdentity {
  pid: number
  /** When it started, in the system's own words; compared, never read. */
  startedAt: string
}

export function identify(pid: number): ProcessIdentity | null {
  const startedAt = process.platform === 'linux' ? linuxStart(pid) : psStart(pid)
  return startedAt === null ? null : { pid, startedAt }
}

/** Whether this very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt
}

/** Sends a signal to this very process; says whether it was there. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false
  try {
    return process.kill(identity.pid, name)
  } catch {
    return false
  }
}

/** Field 22 of `stat`, in ticks since the boot, with the boot. A zombie has ended: only its parent hasn't looked (here and below). */
function linuxStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = rest[18]
    if (state === 'Z' || ticks === undefined) return null
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${ticks}`
  } catch {
    return null
  }
}

function psStart(pid: number): string | null {
  try {
    const found = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [, state, startedAt] = /^\s*(\S+)\s+(.*\S)/.exec(found) ?? []
    return state?.startsWith('Z') === true ? null : (startedAt ?? null)
  } catch {
    return null
  }
}
