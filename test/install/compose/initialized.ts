import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repo } from './compose-file.js'

export interface Clone {
  readonly folder: string
  readonly secrets: string
  secret(name: string): Promise<string>
  init(...args: readonly string[]): Promise<{ stdout: string; stderr: string }>
}

/** A folder in which `deploy/compose/init` has run as in a fresh clone; the caller removes it. */
export async function initialized(...args: readonly string[]): Promise<Clone> {
  const folder = await mkdtemp(join(tmpdir(), 'natter-init-'))
  const script = join(folder, 'deploy/compose/init')
  await cp(join(repo, 'deploy/compose/init'), script)
  const secrets = join(folder, 'deploy/compose/secrets')
  const init = (...words: readonly string[]) => promisify(execFile)(script, [...words])
  try {
    await init(...args)
  } catch (error) {
    await rm(folder, { recursive: true })
    throw error
  }
  return { folder, secrets, secret: (name) => readFile(join(secrets, name), 'utf8'), init }
}
