/** Measured processes and load on cores of their own, where there are two and `taskset` is at hand. */
import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'

export type Role = 'measured' | 'load'

export interface Placement {
  readonly words: string
  /** Moves all threads of a process; those that it starts later stay with them. */
  place(pid: number, role: Role): void
}

export function choosePlacement(): Placement {
  const cores = cpus().length
  const hasTaskset = spawnSync('taskset', ['--version']).status === 0
  if (cores < 2 || !hasTaskset) return { words: 'no cores of their own', place: () => {} }
  const load = cores === 2 ? '1' : `1-${cores - 1}`
  const place = (pid: number, role: Role): void => {
    spawnSync('taskset', ['-a', '-p', '-c', role === 'measured' ? '0' : load, String(pid)])
  }
  return { words: `measured process on core 0, load and servers on ${load}`, place }
}
