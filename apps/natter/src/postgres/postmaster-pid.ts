import { execFileSync } from 'node:child_process'
import { chownSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const fileIn = (cluster: string) => join(cluster, 'postmaster.pid')

/** Whether this server takes connections: it says so in the eighth line of its file, which `pg_ctl` trusts too. */
export function isReady(cluster: string, pid: number): boolean {
  const lines = read(cluster)?.split('\n') ?? []
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready'
}

/**
 * A server that was killed leaves its file, and after a reboot its number may be another program's of the same user: Postgres
 * would refuse to start. Then the file is put into our name. Postgres takes the number of its parent as nobody's, and still
 * looks, by the rest of the file, whether a process of the old server lives on; so the file must not just be removed.
 */
export function disownReusedPid(cluster: string): void {
  const [pid, ...rest] = read(cluster)?.split('\n') ?? []
  const program = programOf(Number(pid))
  if (program === null || program.startsWith('postgres')) return // Postgres judges both rightly
  const file = fileIn(cluster)
  const { uid, gid } = statSync(file)
  const beside = `${file}.new`
  writeFileSync(beside, [process.pid, ...rest].join('\n'), { mode: 0o600 })
  chownSync(beside, uid, gid)
  renameSync(beside, file)
}

function read(cluster: string): string | null {
  try {
    return readFileSync(fileIn(cluster), 'utf8')
  } catch {
    return null
  }
}

/** The name of the program that runs under this number; null when none does. */
function programOf(pid: number): string | null {
  if (!Number.isInteger(pid) || pid <= 0) return null
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
    const found = execFileSync('ps', ['-o', 'comm=', '-p', String(pid)], { encoding: 'utf8' })
    return basename(found.trim()) || null
  } catch {
    return null
  }
}
