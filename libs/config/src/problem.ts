import type { SettingInfo } from './config-definition.js'

/** One thing that is wrong with the configuration. Never carries a value that may not be shown. */
export interface Problem {
  /** `section.key`, deeper for a part of a value; absent if no setting is meant, e.g. for a missing file. */
  readonly key?: string
  readonly env?: string
  /** A whole sentence. */
  readonly message: string
  /** A value that would do. */
  readonly example?: string
}

/** A problem with a known setting, or with what stands `deeper` in its value. `clause` completes "`section.key` …". */
export function problemWith(
  { path, env, setting }: SettingInfo,
  clause: string,
  deeper = '',
  hint = '',
): Problem {
  const key = `${path}${deeper}`
  return { key, env, message: `${key} ${clause}.${hint}`, example: setting.example }
}

/** The sentence that `main` prints. */
export function describeProblem({ env, message, example }: Problem): string {
  if (env === undefined || example === undefined) return message
  return `${message} For example ${env}=${shellQuoted(example)}`
}

function shellQuoted(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
