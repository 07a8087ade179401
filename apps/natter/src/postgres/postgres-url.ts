import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export const userName = 'natter'
export const databaseName = 'natter'

/** The embedded Postgres, for a client; holds the password. */
export function embeddedPostgresUrl(host: string, port: number, password: string): string {
  return `postgres://${userName}:${password}@${host}:${port}/${databaseName}`
}

/** For people and for `natter dev gateway`; readable by its owner alone. */
export function writePostgresUrl(file: string, url: string): void {
  mkdirSync(dirname(file), { recursive: true })
  const beside = `${file}.${process.pid}`
  writeFileSync(beside, `${url}\n`, { mode: 0o600 })
  renameSync(beside, file)
}
