import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Where `vite build` leaves the page, from the root of the repository. */
const BUILT_PAGE = join('dist', 'apps', 'messenger', 'web')

/**
 * The built page, looked for from `start` upwards: this file runs from `apps/` and, compiled, from deep inside `dist/`.
 * Undefined when the page has not been built.
 */
export function findPageFolder(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const candidate = join(folder, BUILT_PAGE)
    if (existsSync(join(candidate, 'index.html'))) return candidate
    if (dirname(folder) === folder) return undefined
  }
}
