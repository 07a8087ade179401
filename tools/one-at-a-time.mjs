import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const self = { pid: process.pid, startedAt: startOf(process.pid) }

/**
 * Does the work while no other process that asked for the same file does its own: two who set up one clone at once would
 * delete each other's packages. A file left by a killed process is taken over. (`npm start` has a lock like this one for its
 * data folder; this one runs before any package is there.)
 *
 * O1. The lock appears whole or not at all: it is written aside and linked, and a link refuses to replace.
 * O2. Only a lock whose process is gone is moved away. Two who take over at once: the second may have moved the first one's
 *     fresh lock, sees that by reading what it moved, and puts it back.
 * O3. A number alone is not believed, because numbers are reused: the process must have started when the lock says.
 * O4. Who waits says for whom.
 *
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @param {(line: string) => void} say
 * @returns {Promise<T>}
 */
export async function oneAtATime(file, work, say = (line) => process.stderr.write(`${line}\n`)) {
  mkdirSync(dirname(file), { recursive: true })
  await take(file, say)
  const giveBack = () => {
    if (isSame(holderOf(file), self)) rmSync(file, { force: true })
  }
  process.once('exit', giveBack)
  try {
    return await work()
  } finally {
    process.off('exit', giveBack)
    giveBack()
  }
}

async function take(file, say) {
  const beside = `${file}.${self.pid}`
  let waitsFor = null
  for (;;) {
    writeFileSync(beside, JSON.stringify(self))
    const isTaken = isLinked(beside, file) // O1
    rmSync(beside, { force: true })
    if (isTaken) return
    const holder = holderOf(file)
    if (!isAlive(holder)) moveAway(file, `${beside}.stale`)
    else {
      if (holder.pid !== waitsFor) say(`Waiting for process ${holder.pid}, which holds ${file}.`) // O4
      waitsFor = holder.pid
      await sleep(200)
    }
  }
}

/** O2 */
function moveAway(file, aside) {
  try {
    renameSync(file, aside)
  } catch {
    return // somebody else did
  }
  if (isAlive(holderOf(aside))) isLinked(aside, file)
  rmSync(aside, { force: true })
}

function isLinked(from, to) {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/** Null when nobody can be named by the file. */
function holderOf(file) {
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(file, 'utf8'))
    return typeof pid === 'number' && typeof startedAt === 'string' ? { pid, startedAt } : null
  } catch {
    return null
  }
}

/** O3 */
function isAlive(holder) {
  return holder !== null && startOf(holder.pid) === holder.startedAt
}

function isSame(a, b) {
  return a !== null && a.pid === b.pid && a.startedAt === b.startedAt
}

/** In the system's own words, compared and never read; null when there is no such process. */
function startOf(pid) {
  return process.platform === 'linux' ? linuxStart(pid) : psStart(pid)
}

/** Field 22 of `stat`, in ticks since the boot, with the boot. A zombie has ended: only its parent hasn't looked. */
function linuxStart(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (state === 'Z') return null
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${rest[18]}`
  } catch {
    return null
  }
}

function psStart(pid) {
  try {
    const found = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return found.trim() || null
  } catch {
    return null
  }
}
