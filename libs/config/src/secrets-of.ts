import type { ConfigDefinition, ConfigOfSections } from './config-definition.js'
import { hiddenText, redact } from './redact.js'
import type { Section } from './section.js'

/** All texts of a configuration that may not be shown, and their parts that may stand alone in a message: a password of an address. */
export function secretsOf<S extends readonly Section[]>(
  { settings }: ConfigDefinition<S>,
  config: ConfigOfSections<S>,
): string[] {
  const values = config as Readonly<Record<string, Readonly<Record<string, unknown>>>>
  const found = settings.flatMap((info) => {
    const value = values[info.section]?.[info.key]
    return hiddenIn(value, redact(info, value))
  })
  return [...new Set([...found, ...found.flatMap(partsOf)])]
}

/** Texts of a value that what is shown of it hides, all or a part. */
function hiddenIn(value: unknown, shown: unknown): string[] {
  if (shown === hiddenText) return textsIn(value)
  if (typeof value === 'string') return shown === value ? [] : partsOf(value)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) =>
    hiddenIn(item, (shown as Readonly<Record<string, unknown>>)[key]),
  )
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsIn)
}

/** The user's password in an address, and its query, as they stand there and as they are meant. */
function partsOf(text: string): string[] {
  const [, said = ''] = /:\/\/(\S*)@/.exec(text) ?? [] // greedy: a password may hold an @
  const password = said.slice(said.indexOf(':') + 1)
  const [, query = ''] = /:\/\/[^\s?]*\?(\S*)/.exec(text) ?? []
  const values = query.split('&').map((pair) => pair.slice(pair.indexOf('=') + 1))
  return [password, query, ...values].flatMap((part) => (part === '' ? [] : [part, meant(part)]))
}

function meant(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
