/**
 * Settings as the processes read them.
 *
 * ST1. Definitions are the apps' own, loaded from where the apps are: what is checked here is what they check when they start.
 * ST2. A command that needs one section isn't stopped by what is wrong in another.
 */
import type * as config from '@natter/config'
import type { ConfigDefinition, LoadedConfig, Problem } from '@natter/config'
import { InvalidError } from '@natter/primitives'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Given } from '../cli/given.js'
import type { Terminal } from '../cli/terminal.js'
import { moduleOf } from '../mesh/programs.js'
import { config as configFlag } from './flags.js'
import type { apps } from './configuration-table.js'

export type App = (typeof apps)[number]

const definitions: Readonly<Record<App, readonly [file: string, name: string]>> = {
  gateway: ['config/gateway.config', 'gatewayConfig'],
  persistence: ['config/persistence.config', 'persistenceConfig'],
  messenger: ['messenger.config', 'messengerConfig'],
}

/** Of the same build as the app: it knows the app's kinds of values. */
type ConfigLib = typeof config

export interface AppSettings {
  readonly lib: ConfigLib
  readonly definition: ConfigDefinition
}

/** ST1. @throws InvalidError `not-built`. */
export async function settingsOf(app: App): Promise<AppSettings> {
  const [file, name] = definitions[app]
  const found = await moduleOf<Record<string, ConfigDefinition>>(app, join('apps', app, 'src', file))
  const lib = await moduleOf<ConfigLib>(app, join('libs', 'config', 'src', 'index'))
  return { lib, definition: found[name] as ConfigDefinition }
}

/** ST2. The same app with these sections alone; those that it doesn't have yet are left out. */
export function onlySections({ lib, definition }: AppSettings, names: readonly string[]): AppSettings {
  const { sections, foreignSections } = definition
  const kept = sections.filter(({ name }) => names.includes(name))
  const others = sections.filter((section) => !kept.includes(section)).map(({ name }) => name)
  const narrowed = lib.defineConfig({
    app: definition.app,
    sections: kept,
    foreignSections: [...foreignSections, ...others],
  })
  return { lib, definition: narrowed }
}

export type Values = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export interface ReadSettings {
  readonly loaded: LoadedConfig<Values>
  /** The file that was named or found. */
  readonly file: string | undefined
}

/** Reads them as the app does; `moreEnv` beside the shell's. */
export function readSettings(
  { lib, definition }: AppSettings,
  given: Given,
  terminal: Terminal,
  moreEnv: Readonly<Record<string, string>> = {},
): ReadSettings {
  const file = configFile(given, terminal)
  const argv = [...(file === undefined ? [] : ['--config', file]), ...given.rest]
  const readFile = (path: string): string => readFileSync(resolve(terminal.cwd, path), 'utf8')
  const loaded = lib.loadConfig(definition, { argv, env: { ...terminal.env, ...moreEnv }, readFile })
  return { loaded, file }
}

function configFile(given: Given, { cwd, env }: Terminal): string | undefined {
  const named = given.of(configFlag) ?? (env['NATTER_CONFIG'] || undefined)
  if (named !== undefined) return resolve(cwd, named)
  const beside = join(cwd, 'natter.yaml')
  return existsSync(beside) ? beside : undefined
}

/** @throws InvalidError `settings`: all that is wrong with them. */
export function sound(lib: ConfigLib, { loaded }: ReadSettings): Extract<LoadedConfig<Values>, { ok: true }> {
  if (loaded.ok) return loaded
  throw new InvalidError('settings', sentencesOf(lib, loaded.problems).join('\n'))
}

export const sentencesOf = (lib: ConfigLib, problems: readonly Problem[]): string[] =>
  problems.map((problem) => lib.describeProblem(problem))
