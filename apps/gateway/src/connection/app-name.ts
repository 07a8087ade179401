/** What the program of a client calls itself. */
export interface AppName {
  readonly name: string
  readonly version: string
}

const maxKnown = 1_000
const maxLength = 128
const known = new Map<string, AppName>()

/** One object for all connections of the same program: they are many, programs are few. Undefined: it doesn't say. */
export function appNameOf({
  name = '',
  version = '',
}: {
  name?: string | undefined
  version?: string | undefined
}): AppName | undefined {
  if (name === '' && version === '') return undefined
  const app = { name: name.slice(0, maxLength), version: version.slice(0, maxLength) }
  const key = JSON.stringify(app)
  const found = known.get(key)
  if (found !== undefined) return found
  if (known.size < maxKnown) known.set(key, app)
  return app
}
