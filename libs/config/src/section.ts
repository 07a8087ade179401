import { InternalError } from '@natter/primitives'
import { z } from 'zod'
import { coerceText } from './coerce-text.js'
import { isSecret } from './values/kind.js'

/** One key: from this come its check, default, help, example, page in the reference and whether it may be shown. */
export interface Setting<S extends z.ZodType = z.ZodType> {
  /** Without a default, a setting is required unless its schema is optional. */
  readonly schema: S
  /** One line: what it does, and what zero or nothing means where that isn't plain. */
  readonly doc: string
  /** As one writes it in the environment. */
  readonly example: string
  /** As one writes it in a file, e.g. `25s`. */
  readonly default?: unknown
  /** Whether its value may appear in `--print-config` and in problems. */
  readonly shown: boolean
  /** A process that runs takes another value when it is asked to read its configuration again (SIGHUP). Absent = at a restart. */
  readonly isReloadable?: true
}

export type Settings = Readonly<Record<string, Setting>>

/** A group of settings that one part of an app reads: `name.key` in files and flags. */
export interface Section<N extends string = string, K extends Settings = Settings> {
  readonly name: N
  readonly doc: string
  readonly settings: K
}

/** Frozen all the way down, as the loader hands it out. */
export type DeepReadonly<T> = T extends readonly (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [P in keyof T]: DeepReadonly<T[P]> }
    : T

export type SectionConfig<S extends Section> = {
  readonly [P in keyof S['settings']]: DeepReadonly<z.output<S['settings'][P]['schema']>>
}

/** Names that survive the way into an environment variable and back to a person. */
const plainName = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/

/** Declares a section. A default or example that its own schema refuses is a bug and throws here, at import. */
export function defineSection<N extends string, K extends Settings>(
  name: N,
  doc: string,
  settings: K,
): Section<N, K> {
  if (!plainName.test(name)) throw badDeclaration(name, 'its name must be snake_case')
  for (const [key, setting] of Object.entries(settings)) checkSetting(`${name}.${key}`, key, setting)
  return Object.freeze({ name, doc, settings: Object.freeze(settings) })
}

/** The same settings, all of them to be taken by a process that runs: for what is read where it is used, and kept nowhere. */
export function reloadable<K extends Settings>(settings: K): K {
  const marked = Object.entries(settings).map(([key, setting]) => [key, { ...setting, isReloadable: true }])
  return Object.fromEntries(marked) as K
}

function checkSetting(path: string, key: string, setting: Setting): void {
  if (!plainName.test(key)) throw badDeclaration(path, 'its key must be snake_case')
  if (setting.shown && isSecret(setting.schema)) throw badDeclaration(path, 'a secret is never shown')
  const { schema, example } = setting
  if (!z.safeParse(schema, coerceText(schema, example)).success) {
    throw badDeclaration(path, 'its schema refuses its example')
  }
  if (setting.default !== undefined && !z.safeParse(schema, setting.default).success) {
    throw badDeclaration(path, 'its schema refuses its default')
  }
}

function badDeclaration(path: string, why: string): InternalError {
  return new InternalError('config-declaration', `The setting ${path} is declared wrongly: ${why}.`)
}
