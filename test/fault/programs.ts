/**
 * What a run starts: the built gateway and persistence of this repository, or of a copy with a planted bug. They are copied before
 * the first starts, so that a build in the meantime changes nothing of a run.
 */
import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'

export type App = 'gateway' | 'persistence'

/** @param folder inside of `source`, so that the programs find their packages. Answers each program's file. */
export function takePrograms(source: string, folder: string, apps: readonly App[]): Map<App, string> {
  const built = spawnSync(process.execPath, [join(source, 'tools/build.mjs'), ...apps], {
    cwd: source,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  if (built.status !== 0) throw new Error(`the programs can't be built:\n${built.stdout}${built.stderr}`)
  for (const app of apps) cpSync(join(source, 'dist/apps', app), join(folder, app), { recursive: true })
  return new Map(apps.map((app) => [app, join(folder, app, 'apps', app, 'src/main.js')]))
}
