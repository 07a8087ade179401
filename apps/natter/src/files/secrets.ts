import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export interface Secrets {
  /** Signs the tokens that the messenger hands out and the gateways check. */
  tokenHmacSecretKey: string
  /** Of the embedded Postgres; letters, digits, `-` and `_`. */
  postgresPassword: string
  /** Opens the server API of the gateways. */
  httpApiKey: string
}

/**
 * Made once per data folder and readable by its owner alone. The file appears whole or not at all, and is never replaced by
 * another one: of two who come at once, both use what the first one wrote. A secret that an older file doesn't have is added.
 *
 * Throws a sentence that names the file when it can't be read as secrets.
 */
export function openSecrets(file: string): Secrets {
  mkdirSync(dirname(file), { recursive: true })
  const fresh: Secrets = {
    tokenHmacSecretKey: randomSecret(),
    postgresPassword: randomSecret(),
    httpApiKey: randomSecret(),
  }
  if (!existsSync(file) && create(file, textOf(fresh))) return fresh
  const found = parse(file)
  const { tokenHmacSecretKey } = found
  if (typeof tokenHmacSecretKey !== 'string' || tokenHmacSecretKey === '') {
    throw new Error(`${file} has no tokenHmacSecretKey; delete it, and a new one is made`)
  }
  const secrets = {
    tokenHmacSecretKey,
    postgresPassword: isPlain(found.postgresPassword) ? found.postgresPassword : fresh.postgresPassword,
    httpApiKey: isPlain(found.httpApiKey) ? found.httpApiKey : fresh.httpApiKey,
  }
  const isWhole = Object.entries(secrets).every(([name, value]) => found[name as keyof Secrets] === value)
  if (!isWhole) replace(file, textOf({ ...found, ...secrets }))
  return secrets
}

const isPlain = (text: unknown): text is string => typeof text === 'string' && /^[\w-]+$/.test(text)
const randomSecret = () => randomBytes(32).toString('base64url')
const textOf = (secrets: Secrets) => `${JSON.stringify(secrets, null, 2)}\n`

function parse(file: string): Partial<Secrets> {
  try {
    const found: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof found === 'object' && found !== null) return found
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new Error(`${file} can't be read as secrets; delete it, and new ones are made`)
}

/** False when somebody else was first: a link refuses to replace. */
function create(file: string, text: string): boolean {
  const beside = `${file}.${process.pid}`
  writeFileSync(beside, text, { mode: 0o600 })
  try {
    linkSync(beside, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(beside, { force: true })
  }
}

/** By rename: whoever reads meanwhile finds the old one or the new one. */
function replace(file: string, text: string): void {
  const beside = `${file}.${process.pid}`
  writeFileSync(beside, text, { mode: 0o600 })
  renameSync(beside, file)
}
