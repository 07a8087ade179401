import type { SettingInfo } from './config-definition.js'

const hidden = '(hidden)'

/** What may be shown of a value: nothing unless its setting says so, and of addresses never the user and password. */
export function redact({ setting }: SettingInfo, value: unknown): unknown {
  return setting.shown ? withoutCredentials(value) : hidden
}

function withoutCredentials(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(/:\/\/\S*@/g, `://${hidden}@`) // greedy: a password may hold an @
  if (Array.isArray(value)) return value.map((item) => withoutCredentials(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutCredentials(item)]))
}
