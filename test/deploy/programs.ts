/** What a run starts, built: the gateway, the app and the clients. A copy of its own, which later builds don't touch. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { compileInto } from '../../bench/harness/compile.js'
import { takePrograms } from '../fault/programs.js'
import type { Programs } from './mesh.js'

const repo = join(import.meta.dirname, '../..')

/** Inside of the repository, so that the programs find their packages. */
export interface TakenPrograms extends Programs {
  clients: string
  remove(): void
}

export async function takeAll(): Promise<TakenPrograms> {
  const folder = join(repo, '.natter/deploy-programs', String(process.pid))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove) // also when the run is interrupted
  try {
    await compileInto(folder, ['test/deploy/app.ts', 'test/deploy/clients-process.ts'])
    const gateway = takePrograms(repo, folder, ['gateway']).get('gateway') ?? ''
    const built = (name: string): string => join(folder, 'test/deploy', `${name}.js`)
    return { gateway, app: built('app'), clients: built('clients-process'), remove }
  } catch (error) {
    remove()
    throw error
  }
}
