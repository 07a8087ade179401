import { settingInFile } from './settings-file.js'

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
  const given = env[variable] || settingInFile(root, ['client', 'allowed_origins'], env)
  const asked = typeof given === 'string' ? given.split(',').map((origin) => origin.trim()) : (given ?? [])
  if (!isTexts(asked)) return {}
  return { [variable]: [...page, ...asked.filter((origin) => origin !== '')].join(',') }
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
