/** Copies of this repository with a planted bug: where a test is there to find one, it has to be seen finding it. */
import { execFileSync } from 'node:child_process'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const repo = join(import.meta.dirname, '../..')

export interface PlantedCopy {
  folder: string
  remove(): Promise<void>
}

/** The sources with `test/mutants/<name>.patch` applied; a patch that no longer fits fails here, and wants mending. */
export async function plantedCopy(name: string): Promise<PlantedCopy> {
  const folder = await mkdtemp(join(tmpdir(), `natter-mutant-${name}-`))
  for (const entry of ['apps', 'libs', 'package.json', 'tsconfig.json']) {
    await cp(join(repo, entry), join(folder, entry), { recursive: true })
  }
  await symlink(join(repo, 'node_modules'), join(folder, 'node_modules'))
  execFileSync(
    'git',
    ['apply', '--unsafe-paths', `--directory=${folder}`, join(repo, 'test/mutants', `${name}.patch`)],
    {
      cwd: '/',
      stdio: 'pipe',
    },
  )
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}
