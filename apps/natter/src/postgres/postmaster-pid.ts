import { execFileSync } from 'node:child_process'
import {
  chownSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'

const fileIn = (cluster: string) => join(cluster, 'postmaster.pid')

/** Whether this server takes connections: it says so in the eighth line of its file, which `pg_ctl` trusts too. */
export function isReady(cluster: string, pid: number): boolean {
  const lines = read(cluster)?.split('\n') ?? []
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready'
}

/**
 * A server that was killed leaves its file. Its number may be another program's of the same user after a reboot, or a zombie's:
 * a dead process that its parent hasn't looked after, as in containers whose first process doesn't. Postgres takes both for a
 * rival and refuses to start. Then the file is put into our name. Postgres takes the number of its parent as nobody's, and still
 * looks, by the rest of the file, whether a process of the old server lives on; so the file must not just be removed.
 */
export function disownReusedPid(cluster: string): void {
  const [pid, ...rest] = read(cluster)?.split('\n') ?? []
  if (!isInTheWay(Number(pid), cluster)) return
  const file = fileIn(cluster)
  const { uid, gid } = statSync(file)
  const beside = `${file}.new`
  writeFileSync(beside, [process.pid, ...rest].join('\n'), { mode: 0o600 })
  chownSync(beside, uid, gid)
  renameSync(beside, file)
}

/** Whether this number is taken, but not by a server of this cluster. Of both others Postgres judges rightly. */
function isInTheWay(pid: number, cluster: string): boolean {
  const found = programOf(pid)
  if (found === null) return false
  return found.isZombie || !found.name.startsWith('postgres') || isElsewhere(pid, cluster)
}

/** A server works in the folder of its data. */
function isElsewhere(pid: number, cluster: string): boolean {
  if (process.platform !== 'linux') return false
  try {
    return readlinkSync(`/proc/${pid}/cwd`) !== realpathSync(cluster)
  } catch {
    return false // another user's, who may not be looked at: Postgres knows
  }
}

function read(cluster: string): string | null {
  try {
    return readFileSync(fileIn(cluster), 'utf8')
  } catch {
    return null
  }
}

/** What is under this number; null when nothing is. */
function programOf(pid: number): { name: string; isZombie: boolean } | null {
  if (!Number.isInteger(pid) || pid <= 0) return null
  try {
    const [, name = '', state] = /^\d+ \((.*)\) (\S)/s.exec(statOf(pid)) ?? []
    return state === undefined ? null : { name: basename(name), isZombie: state === 'Z' }
  } catch {
    return null
  }
}

/** As Linux writes it: `7 (postgres) S …`. */
function statOf(pid: number): string {
  if (process.platform === 'linux') return readFileSync(`/proc/${pid}/stat`, 'utf8')
  const flags = ['-o', 'state=,comm=', '-p', String(pid)]
  const [, state, name] = /^\s*(\S)\S*\s+(.*\S)/.exec(execFileSync('ps', flags, { encoding: 'utf8' })) ?? []
  return `${pid} (${name}) ${state}`
}
