/**
 * What compose reads: files, variables and their merge. Of the specification that much, as our files use; what is not known here is an
 * error.
 *
 * F1. A variable that must be set and isn't ends the reading with its message, as in compose.
 * F2. The later file wins: maps are merged, commands and health checks replaced, lists of things with a name merged by the name, other
 *     lists joined.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

export const repo = join(import.meta.dirname, '../../..')

/** What the tests look at of a service; the schema knows the rest. */
export interface Service {
  image: string
  entrypoint?: string[]
  command?: string[]
  hostname?: string
  environment?: Record<string, string | number>
  configs?: { source: string; target: string }[]
  secrets?: string[]
  volumes?: string[]
  ports?: string[]
  networks?: string[] | Record<string, unknown>
  healthcheck?: { test?: string[]; disable?: boolean }
  depends_on?: Record<string, { condition: string }>
  user?: string
  working_dir?: string
  stop_grace_period?: string
  deploy?: {
    replicas?: number
    restart_policy?: { condition: string }
    update_config?: { order?: string }
    resources?: { limits?: { memory?: string } }
  }
  [key: string]: unknown
}

export interface Project {
  services: Record<string, Service>
  networks: Record<string, { internal?: boolean } | null>
  configs: Record<string, { file: string }>
  secrets: Record<string, { file: string }>
  volumes: Record<string, unknown>
}

export type Variables = Readonly<Record<string, string | undefined>>

/** The files of the repository, merged. @throws Error F1 */
export function readProject(files: readonly string[], variables: Variables): Project {
  const read = files.map((file) => readComposeFile(file, variables))
  return read.reduce((below, above) => mergeMaps(below, above, '')) as unknown as Project
}

/** One file, with its variables put in, and without what is only there to be referred to (`x-…`). */
export function readComposeFile(file: string, variables: Variables): Record<string, unknown> {
  const parsed = parse(readFileSync(join(repo, file), 'utf8'), { merge: true }) as Record<string, unknown>
  const own = Object.entries(parsed).filter(([key]) => !key.startsWith('x-'))
  return interpolated(Object.fromEntries(own), variables) as Record<string, unknown>
}

function interpolated(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string') return typed(value, interpolate(value, variables))
  if (Array.isArray(value)) return value.map((item) => interpolated(item, variables))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolated(item, variables)]))
}

/** A number that came by a variable is one: `replicas`. */
const typed = (before: string, after: string): unknown =>
  before !== after && /^\d+$/.test(after) ? Number(after) : after

/** `$$`, `${A}`, `${A:-else}`, `${A:?why it must be set}`. @throws Error F1 */
export function interpolate(text: string, variables: Variables): string {
  return text.replaceAll(
    /\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}|\$/g,
    (found, name?: string, kind?: string, rest = '') => {
      if (found === '$$') return '$'
      if (name === undefined) throw new Error(`a lone $ in ${text}`)
      const value = variables[name] ?? ''
      if (value !== '' || kind === undefined) return value
      if (kind === '-') return rest as string
      throw new Error(`required variable ${name} is missing a value: ${rest as string}`)
    },
  )
}

const replaced = /\.(command|entrypoint|test)$/
/** What makes two entries of a list the same thing. */
const nameIn: Readonly<Record<string, (entry: unknown) => unknown>> = {
  configs: (entry) => (entry as { target: string }).target,
  volumes: (entry) => String(entry).split(':')[1],
  ports: (entry) => entry,
  secrets: (entry) => entry,
  tmpfs: (entry) => entry,
  networks: (entry) => entry,
  cap_drop: (entry) => entry,
  security_opt: (entry) => entry,
}

type Mapping = Record<string, unknown>

export function mergeMaps(below: Mapping, above: Mapping, path: string): Mapping {
  const merged = { ...below }
  for (const [key, value] of Object.entries(above))
    merged[key] = mergeOne(below[key], value, `${path}.${key}`)
  return merged
}

/** F2 */
function mergeOne(below: unknown, above: unknown, path: string): unknown {
  if (below === undefined || below === null || replaced.test(path)) return above
  if (Array.isArray(below) && Array.isArray(above)) return mergeLists(below, above, path)
  if (isMapping(below) && isMapping(above)) return mergeMaps(below, above, path)
  if (Array.isArray(below) || Array.isArray(above))
    throw new Error(`${path}: a list in one file, none in the other`)
  return above
}

function mergeLists(below: readonly unknown[], above: readonly unknown[], path: string): unknown[] {
  const nameOf = nameIn[path.split('.').at(-1) ?? '']
  if (nameOf === undefined) throw new Error(`${path}: how is this list merged?`)
  const taken = new Set(above.map((entry) => nameOf(entry)))
  return [...below.filter((entry) => !taken.has(nameOf(entry))), ...above]
}

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
