import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse } from 'yaml'

const variable = 'NATTER_CLIENT_ALLOWED_ORIGINS'

/**
 * The pages that gateways let in: those of the messenger, and those that the user's environment or file allows. A variable hides what
 * the file says, so what is told to the gateways has to name both. Nothing, where the file can't be understood: the gateway says why.
 */
export function allowedOrigins(
  root: string,
  page: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const given = env[variable] || fromFile(resolve(root, env['NATTER_CONFIG'] || 'natter.yaml'))
  const asked = typeof given === 'string' ? given.split(',').map((origin) => origin.trim()) : (given ?? [])
  if (!isTexts(asked)) return {}
  return { [variable]: [...page, ...asked.filter((origin) => origin !== '')].join(',') }
}

/** What stands there, unchecked; `false` where the file is broken. */
function fromFile(file: string): unknown {
  try {
    return (parse(readFileSync(file, 'utf8')) as Settings | null)?.client?.allowed_origins
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return isAbsent ? undefined : false
  }
}

interface Settings {
  client?: { allowed_origins?: unknown } | null
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
