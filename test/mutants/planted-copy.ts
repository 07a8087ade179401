/** Copies of this repository with a planted bug: where a test is there to find one, it has to be seen finding it. */
import { execFileSync } from 'node:child_process'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const repo = join(import.meta.dirname, '../..')

/** What programs are built from, and what builds them. */
const sources = [
  'apps',
  'libs',
  'tools',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'nest-cli.json',
]

export interface PlantedCopy {
  folder: string
  remove(): Promise<void>
}

/** A patch that was written against other sources. */
export class PatchDoesNotApply extends Error {
  override name = 'PatchDoesNotApply'
}

export const patchFile = (name: string): string => join(repo, 'test/mutants', `${name}.patch`)

/**
 * The sources with the patch applied; without a name as they are.
 *
 * @throws PatchDoesNotApply when the sources have moved on: the patch wants mending.
 */
export async function plantedCopy(name?: string, file = name && patchFile(name)): Promise<PlantedCopy> {
  const folder = await mkdtemp(join(tmpdir(), `natter-mutant-${name ?? 'none'}-`))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    for (const entry of sources) await cp(join(repo, entry), join(folder, entry), { recursive: true })
    await symlink(join(repo, 'node_modules'), join(folder, 'node_modules'))
    if (file !== undefined && file !== '') applyPatch(file, folder)
    return { folder, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** @throws PatchDoesNotApply. */
export function applyPatch(file: string, folder: string, ...flags: string[]): void {
  try {
    const args = ['apply', ...flags, '--unsafe-paths', `--directory=${folder}`, file]
    execFileSync('git', args, { cwd: '/', stdio: 'pipe' })
  } catch (cause) {
    const told = (cause as { stderr?: Buffer }).stderr?.toString().trim() ?? String(cause)
    const sentence = `${file} does not apply any more: plant the same bug in today's sources and write the patch anew. ${told}`
    throw new PatchDoesNotApply(sentence, { cause })
  }
}
