import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repositoryRoot } from '../mesh/programs.js'

/** Of the repository: one version for all. */
export async function version(): Promise<string> {
  const text = await readFile(join(repositoryRoot(), 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
