/** What is known of the mesh that `natter start` keeps on this machine. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { port } from '../cli/values.js'
import type { Given } from '../cli/given.js'
import { UsageError } from '../cli/command.js'
import type { Terminal } from '../cli/terminal.js'
import type { Secrets } from '../files/secrets.js'
import { places } from '../mesh/mesh-settings.js'
import { defaultBasePort, highestBasePort } from '../port-plan.js'
import { basePort as basePortFlag, data } from './flags.js'

/** A flag, else NATTER_DATA, else `.natter` where this runs: under npm that is the repository. */
export function dataFolderOf(given: Given, { env, workingFolder }: Terminal): string {
  return resolve(workingFolder, given.of(data) ?? (env['NATTER_DATA'] || '.natter'))
}

export function basePortOf(terminal: Terminal, given?: Given): number {
  const flag = given?.of(basePortFlag)
  const named = terminal.env['NATTER_PORT']
  if (flag !== undefined) return flag
  if (!named) return defaultBasePort
  const read = port(highestBasePort).read(named)
  if ('mistake' in read) throw new UsageError([`NATTER_PORT ${read.mistake}.`])
  return read.ok
}

/** Read and never made: undefined where no mesh was ever started, or the file is none of ours. */
export function localSecrets(dataFolder: string): Partial<Secrets> | undefined {
  const file = places.secrets(dataFolder)
  try {
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>) : undefined
  } catch {
    return undefined
  }
}
