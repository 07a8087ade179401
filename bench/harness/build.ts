/**
 * What is measured is built: the apps by tools/build.mjs, the benches' own processes by swc (`compile.ts`). No loader runs in a measured process.
 *
 * BU1. A run has a copy of its own, so that a build made meanwhile doesn't change the programs in the middle. It goes with the run.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { compileInto } from './compile.js'

export const root = join(import.meta.dirname, '../..')

export interface Built {
  /** The compiled file of `bench/<path>.ts`. */
  process(path: string): string
  /** The main program of an app. */
  app(name: string): string
  /** The compiled index of a lib, as an app runs it: the gateway, if none is named. */
  lib(name: string, app?: string): string
}

export async function build(apps: readonly string[]): Promise<Built> {
  execFileSync(process.execPath, ['tools/build.mjs', ...apps], { cwd: root, stdio: 'inherit' })
  const folder = join(root, 'dist', `bench-${process.pid}`)
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const app of apps) cpSync(join(root, 'dist/apps', app), join(folder, 'apps', app), { recursive: true }) // BU1
  const files = await Promise.all(['bench/contenders', 'bench/drivers'].map(sourcesIn))
  await compileInto(folder, files.flat())
  return {
    process: (path) => join(folder, 'bench', `${path}.js`),
    app: (name) => join(folder, 'apps', name, 'apps', name, 'src/main.js'),
    lib: (name, app = 'gateway') => join(folder, 'apps', app, 'libs', name, 'src/index.js'),
  }
}

async function sourcesIn(folder: string): Promise<string[]> {
  const files = await readdir(join(root, folder))
  return files.filter((file) => file.endsWith('.ts')).map((file) => join(folder, file))
}
