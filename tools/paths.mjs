import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The repository's folder. */
export const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..')

/** The Node that the lockfile pins, which runs everything but the set-up; null before the packages are installed. */
export function pinnedNode() {
  const names = process.platform === 'win32' ? ['node.exe', 'node.cmd'] : ['node']
  return (
    names.map((name) => join(root, 'node_modules', '.bin', name)).find((file) => existsSync(file)) ?? null
  )
}
