import { InternalError } from '@natter/primitives'
import { z } from 'zod'
import type { Section, SectionConfig, Setting } from './section.js'
import { isSecret, kindOf, unwrap } from './values/kind.js'

/** The typed result: `config.gateway.port`. */
export type ConfigOf<D extends ConfigDefinition> =
  D extends ConfigDefinition<infer S> ? ConfigOfSections<S> : never

export type ConfigOfSections<S extends readonly Section[]> = {
  readonly [E in S[number] as E['name']]: SectionConfig<E>
}

/** What one setting alone can't know, e.g. that one of two must be given. */
export interface CrossCheckProblem {
  /** `section.key`. */
  readonly key: string
  /** Completes "`section.key` …". */
  readonly message: string
}

export interface ConfigDefinition<S extends readonly Section[] = readonly Section[]> {
  /** Name of the app, for sentences. */
  readonly app: string
  readonly sections: S
  /** Sections of other apps that may stand in the same file. */
  readonly foreignSections: readonly string[]
  readonly settings: readonly SettingInfo[]
  /** A method and not a property, so that a definition of any sections is a `ConfigDefinition`. */
  check(config: ConfigOfSections<S>): readonly CrossCheckProblem[]
}

/** Everything that can be said about one setting. */
export interface SettingInfo {
  /** `section.key`; the flag is this behind `--`. */
  readonly path: string
  readonly section: string
  readonly key: string
  readonly env: string
  /** Set for secrets: the variable that names a file with the value. */
  readonly envFile?: string
  readonly setting: Setting
  /** Completes "must be …". */
  readonly kind: string
  readonly isRequired: boolean
  readonly isBoolean: boolean
}

/** Composes the sections that an app reads. Two settings that would share an environment variable are a bug and throw. */
export function defineConfig<const S extends readonly Section[]>(definition: {
  app: string
  sections: S
  foreignSections?: readonly string[]
  check?: (config: ConfigOfSections<S>) => readonly CrossCheckProblem[]
}): ConfigDefinition<S> {
  const { app, sections, foreignSections = [], check = () => [] } = definition
  const settings = sections.flatMap((section) =>
    Object.entries(section.settings).map(([key, setting]) => describe(section, key, setting)),
  )
  refuseSharedNames(settings)
  return Object.freeze({ app, sections, foreignSections, settings: Object.freeze(settings), check })
}

/** `gateway.port` → `NATTER_GATEWAY_PORT`. */
export function envNameOf(path: string): string {
  return `NATTER_${path.replaceAll('.', '_').toUpperCase()}`
}

function describe(section: Section, key: string, setting: Setting): SettingInfo {
  const path = `${section.name}.${key}`
  const env = envNameOf(path)
  const { schema } = setting
  return {
    path,
    section: section.name,
    key,
    env,
    ...(isSecret(schema) ? { envFile: `${env}_FILE` } : {}),
    setting,
    kind: kindOf(schema),
    isRequired: setting.default === undefined && !z.safeParse(schema, undefined).success,
    isBoolean: unwrap(schema) instanceof z.ZodBoolean,
  }
}

function refuseSharedNames(settings: readonly SettingInfo[]): void {
  const owners = new Map<string, string>()
  for (const { path, env, envFile } of settings) {
    for (const name of envFile === undefined ? [env] : [env, envFile]) {
      const other = owners.get(name)
      if (other !== undefined) {
        throw new InternalError('config-declaration', `${other} and ${path} would both be ${name}.`)
      }
      owners.set(name, path)
    }
  }
}
