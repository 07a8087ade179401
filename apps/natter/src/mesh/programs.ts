import { InvalidError } from '@natter/primitives'
import { existsSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Program } from '../process/program.js'

/** The programs of a mesh; tests put stand-ins here. */
export interface Programs {
  nats: Program
  postgres: Program
  gateway: Program
  messenger: Program
  persistence: Program
}

const here = fileURLToPath(import.meta.url)

/** The repository's folder, from source and from `dist` alike: the nearest one above with a lockfile. */
export function repositoryRoot(): string {
  for (let folder = dirname(here); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package-lock.json'))) return folder
  }
  throw new Error('natter must run inside its repository')
}

/** What runs TypeScript: only from source, where the repository is around us. */
const loader = (): string[] => [
  '--import',
  pathToFileURL(join(repositoryRoot(), 'tools', 'typescript.mjs')).href,
]

/** A program of this app, in the form this file itself runs in. */
export function ownProgram(path: string): Program {
  const extension = extname(here)
  const file = join(dirname(here), '..', `${path}${extension}`)
  return { file, execArgv: extension === '.ts' ? loader() : [] }
}

function builtProgram(root: string, app: string): Program {
  return { file: join(root, 'dist', 'apps', app, 'apps', app, 'src', 'main.js'), execArgv: [] }
}

export function sourceProgram(root: string, app: string): Program {
  return { file: join(root, 'apps', app, 'src', 'main.ts'), execArgv: [...loader(), '--enable-source-maps'] }
}

/** The programs between us and what knows nothing of us. */
export const guards = () => ({
  nats: ownProgram(join('nats', 'nats-guard')),
  postgres: ownProgram(join('postgres', 'postgres-guard')),
})

export function builtPrograms(root: string): Programs {
  return {
    ...guards(),
    gateway: builtProgram(root, 'gateway'),
    messenger: builtProgram(root, 'messenger'),
    persistence: builtProgram(root, 'persistence'),
  }
}

export function sourcePrograms(root: string): Programs {
  return {
    ...guards(),
    gateway: sourceProgram(root, 'gateway'),
    messenger: sourceProgram(root, 'messenger'),
    persistence: sourceProgram(root, 'persistence'),
  }
}

/**
 * A module of another app, in the form that this file itself runs in. `path`: from the repository's root, without its extension. Apps don't
 * import each other; what has to be theirs, as the definition of their settings, is loaded from where they are.
 *
 * @throws InvalidError `not-built`.
 */
export async function moduleOf<M>(app: string, path: string): Promise<M> {
  const root = repositoryRoot()
  const extension = extname(here)
  const file = join(extension === '.ts' ? root : join(root, 'dist', 'apps', app), `${path}${extension}`)
  if (!existsSync(file)) throw new InvalidError('not-built', `${app} is not built here: npm run build.`)
  return (await import(pathToFileURL(file).href)) as M
}
