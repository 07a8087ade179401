/**
 * The contract of an app that lives anywhere.
 *
 * L1. What its decorators wrote down is read by the very `@natter/nest` that wrote it: the one that the app's own file imports.
 */
import type * as nest from '@natter/nest'
import type { AppContract, AppModule } from '@natter/nest'
import { InvalidError, messageOf } from '@natter/primitives'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

type Exports = Readonly<Record<string, unknown>>

/** @throws InvalidError `no-such-file`, `not-loaded`, `no-module`, `no-nest`, `no-contract-in-nest`; what `contractOf` throws. */
export async function loadContract(file: string, name: string | undefined): Promise<AppContract> {
  if (!existsSync(file))
    throw new InvalidError(
      'no-such-file',
      `There is no ${file}: build the app, and name its compiled module.`,
    )
  const { contractOf } = await nestOf(file)
  if (contractOf === undefined)
    throw new InvalidError(
      'no-contract-in-nest',
      `The @natter/nest of ${file} is older than contracts: update it.`,
    )
  return contractOf(moduleIn(await load(file), name, file))
}

async function load(file: string): Promise<Exports> {
  try {
    return (await import(pathToFileURL(file).href)) as Exports
  } catch (error) {
    throw new InvalidError('not-loaded', `${file} could not be imported: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** L1. @throws InvalidError `no-nest`. */
async function nestOf(file: string): Promise<Partial<typeof nest>> {
  const found = packageOf(file) ?? libBeside(file)
  if (found === undefined)
    throw new InvalidError(
      'no-nest',
      `No @natter/nest is installed for ${file}: install the app's packages first.`,
    )
  return (await import(pathToFileURL(found).href)) as typeof nest
}

function packageOf(file: string): string | undefined {
  try {
    return createRequire(file).resolve('@natter/nest')
  } catch {
    return undefined
  }
}

/** Apps of this repository have no package: the lib is in the same tree, of source or of a build. */
function libBeside(file: string): string | undefined {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const lib = join(folder, 'libs', 'nest', 'src', `index${extname(file)}`)
    if (existsSync(lib)) return lib
  }
  return undefined
}

/** A class with Nest's metadata, or what a `forRoot` answers. */
function isModule(value: unknown): value is AppModule {
  if (typeof value === 'object' && value !== null && 'module' in value)
    return typeof value.module === 'function'
  const keys = ['imports', 'controllers', 'providers', 'exports']
  return typeof value === 'function' && keys.some((key) => Reflect.getMetadata(key, value) !== undefined)
}

function moduleIn(found: Exports, name: string | undefined, file: string): AppModule {
  const modules = Object.entries(found).filter(([, value]) => isModule(value))
  const names = modules.map(([own]) => own).join(', ')
  const chosen = name ?? ['default', 'AppModule'].find((one) => isModule(found[one])) ?? onlyOf(modules)
  const value = chosen === undefined ? undefined : found[chosen]
  if (isModule(value)) return value
  const what = name === undefined ? 'one Nest module' : `a Nest module "${name}"`
  throw new InvalidError(
    'no-module',
    `${file} does not export ${what}; its modules: ${names || 'none'}. Name one with --export.`,
  )
}

const onlyOf = (modules: readonly (readonly [string, unknown])[]): string | undefined =>
  modules.length === 1 ? modules[0]![0] : undefined
