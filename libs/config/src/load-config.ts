/**
 * Defaults < file < environment < flags, checked by the schema, frozen.
 *
 * C1. A setting is taken whole from the strongest source that gives it; values of two sources are never merged.
 * C2. All problems come at once, those of every source and of every setting.
 * C3. Only through here does a value get in: nothing reads the environment, the arguments or a file but what is handed in.
 * C4. A problem carries no value that its setting doesn't allow to be shown.
 */
import { checkValue } from './check-value.js'
import type { ConfigDefinition, ConfigOfSections, SettingInfo } from './config-definition.js'
import { deepFreeze } from './deep-freeze.js'
import { problemWith, type Problem } from './problem.js'
import { redact } from './redact.js'
import type { Section } from './section.js'
import { configFileVariable, readEnvironment } from './sources/environment.js'
import { readConfigFile } from './sources/config-file.js'
import { readFlags, type FlagReading } from './sources/flags.js'
import type { Environment, Given, Origin, ReadFile, SourceReading } from './sources/source.js'

/** What the configuration is read from. */
export interface ConfigSources {
  /** Without the program's own name. */
  readonly argv: readonly string[]
  readonly env: Environment
  readonly readFile: ReadFile
}

/** One setting as it is in effect. */
export interface EffectiveSetting {
  readonly info: SettingInfo
  readonly origin: Origin
  /** As it was given, redacted; undefined if unset. */
  readonly shown: unknown
}

export type LoadedConfig<C> =
  | {
      readonly ok: true
      readonly config: C
      readonly origins: Readonly<Record<string, Origin>>
      readonly effective: readonly EffectiveSetting[]
      readonly wants: FlagReading['wants']
    }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly wants: FlagReading['wants'] }

/** Reads all sources. Throws nothing that a person can cause. */
export function loadConfig<const S extends readonly Section[]>(
  definition: ConfigDefinition<S>,
  { argv, env, readFile }: ConfigSources,
): LoadedConfig<ConfigOfSections<S>> {
  const flags = readFlags(definition, argv)
  const environment = readEnvironment(definition, env, readFile)
  const file = flags.configFile ?? (env[configFileVariable] || undefined)
  const sources = [
    flags,
    environment,
    ...(file === undefined ? [] : [readConfigFile(definition, file, readFile)]),
  ]
  const { values, effective, problems } = resolve(definition, sources)
  const { wants } = flags
  if (problems.length > 0) return { ok: false, problems, wants }
  const config = deepFreeze(inSections(definition, values))
  const crossed = crossCheck(definition, config)
  if (crossed.length > 0) return { ok: false, problems: crossed, wants }
  const origins = Object.fromEntries(effective.map(({ info, origin }) => [info.path, origin]))
  return { ok: true, config, origins: deepFreeze(origins), effective, wants }
}

/** `sources`: the strongest first. */
function resolve({ settings }: ConfigDefinition<readonly Section[]>, sources: readonly SourceReading[]) {
  const values = new Map<string, unknown>()
  const effective: EffectiveSetting[] = []
  const problems = sources.flatMap((source) => source.problems)
  const alreadyWrong = new Set(problems.map(({ key }) => key))
  for (const info of settings) {
    const given = strongest(info, sources)
    const checked = checkValue(info, given)
    if (checked.ok) values.set(info.path, checked.value)
    else if (given !== undefined || !alreadyWrong.has(info.path)) problems.push(...checked.problems) // else it was told why it is missing
    const shown = given === undefined ? undefined : redact(info, given.value)
    effective.push({ info, origin: given?.origin ?? { from: 'unset' }, shown })
  }
  return { values, effective, problems }
}

/** C1. */
function strongest({ path, setting }: SettingInfo, sources: readonly SourceReading[]): Given | undefined {
  for (const { values } of sources) {
    const given = values.get(path)
    if (given !== undefined) return given
  }
  return setting.default === undefined ? undefined : { value: setting.default, origin: { from: 'default' } }
}

/** The one place where what the schemas guarantee becomes the type that the definition promises. */
function inSections<S extends readonly Section[]>(
  { sections, settings }: ConfigDefinition<S>,
  values: ReadonlyMap<string, unknown>,
): ConfigOfSections<S> {
  const config: Record<string, Record<string, unknown>> = {}
  for (const { name } of sections) config[name] = {}
  for (const { path, section, key } of settings)
    Object.assign(config[section] ?? {}, { [key]: values.get(path) })
  return config as ConfigOfSections<S>
}

/** What no setting alone can know. */
export function crossCheck<S extends readonly Section[]>(
  definition: ConfigDefinition<S>,
  config: ConfigOfSections<S>,
): Problem[] {
  return definition.check(config).map(({ key, message }) => {
    const info = definition.settings.find(({ path }) => path === key)
    return info === undefined ? { key, message: `${key} ${message}.` } : problemWith(info, message)
  })
}
