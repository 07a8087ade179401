import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export interface Secrets {
  /** Signs the tokens that the messenger hands out and the gateways check. */
  tokenHmacSecretKey: string
}

/**
 * Made once per data folder and readable by its owner alone. The file is created exclusively: of two who come at once, both
 * use what the first one wrote.
 */
export function openSecrets(file: string): Secrets {
  mkdirSync(dirname(file), { recursive: true })
  const fresh: Secrets = { tokenHmacSecretKey: randomBytes(32).toString('base64url') }
  try {
    writeFileSync(file, `${JSON.stringify(fresh, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    return fresh
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const { tokenHmacSecretKey } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>
  if (typeof tokenHmacSecretKey !== 'string' || tokenHmacSecretKey === '') {
    throw new Error(`${file} has no tokenHmacSecretKey; delete it, and a new one is made`)
  }
  return { tokenHmacSecretKey }
}
