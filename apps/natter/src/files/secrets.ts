import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export interface Secrets {
  /** Signs the tokens that the messenger hands out and the gateways check. */
  tokenHmacSecretKey: string
  /** Of the embedded Postgres; letters, digits, `-` and `_`. */
  postgresPassword: string
}

/**
 * Made once per data folder and readable by its owner alone. The file is created exclusively: of two who come at once, both
 * use what the first one wrote. A secret that an older file doesn't have is added.
 */
export function openSecrets(file: string): Secrets {
  mkdirSync(dirname(file), { recursive: true })
  const fresh: Secrets = { tokenHmacSecretKey: randomSecret(), postgresPassword: randomSecret() }
  try {
    writeFileSync(file, textOf(fresh), { mode: 0o600, flag: 'wx' })
    return fresh
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const found = JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>
  const { tokenHmacSecretKey, postgresPassword } = found
  if (typeof tokenHmacSecretKey !== 'string' || tokenHmacSecretKey === '') {
    throw new Error(`${file} has no tokenHmacSecretKey; delete it, and a new one is made`)
  }
  if (typeof postgresPassword === 'string' && /^[\w-]+$/.test(postgresPassword)) {
    return { tokenHmacSecretKey, postgresPassword }
  }
  const completed = { ...found, tokenHmacSecretKey, postgresPassword: fresh.postgresPassword }
  replace(file, textOf(completed))
  return completed
}

const randomSecret = () => randomBytes(32).toString('base64url')
const textOf = (secrets: Secrets) => `${JSON.stringify(secrets, null, 2)}\n`

/** By rename: whoever reads meanwhile finds the old one or the new one. */
function replace(file: string, text: string): void {
  const beside = `${file}.${process.pid}`
  writeFileSync(beside, text, { mode: 0o600 })
  renameSync(beside, file)
}
