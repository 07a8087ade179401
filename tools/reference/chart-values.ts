import { parse } from 'yaml'
import { readRepositoryFile } from '../repository.js'

/** One key of a values.yaml that a comment `# -- …` explains. */
export interface ChartValue {
  /** `gateway.drain.delay`. */
  readonly path: string
  readonly doc: string
  /** Whether keys below it are explained too: then it has no default of its own. */
  readonly isGroup: boolean
  readonly default: unknown
}

/** The charts whose values people set, each with where its values stand in those of the whole. */
export const charts = [
  { folder: 'helm/natter', prefix: '' },
  { folder: 'helm/natter/charts/nats', prefix: 'nats.' },
  { folder: 'helm/natter/charts/postgres', prefix: 'postgres.' },
] as const

/** In the order of the file. Keys without a comment are part of the value of the one above them. */
export function chartValues(folder: string): ChartValue[] {
  const text = readRepositoryFile(`${folder}/values.yaml`)
  const defaults: unknown = parse(text)
  const docs = docsByPath(text)
  const paths = [...docs.keys()]
  return paths.map((path) => ({
    path,
    doc: docs.get(path) ?? '',
    isGroup: paths.some((other) => other.startsWith(`${path}.`)),
    default: at(defaults, path),
  }))
}

export function at(values: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (isMap(value) ? value[key] : undefined), values)
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** By lines, because our own files have one key to a line and a comment belongs to the next key whatever it nests. */
function docsByPath(text: string): Map<string, string> {
  const docs = new Map<string, string>()
  const above: { indent: number; key: string }[] = []
  let doc: string | undefined
  for (const line of text.split('\n')) {
    const comment = /^\s*# (?:-- )?(.*)$/.exec(line)?.[1]
    if (comment !== undefined) {
      if (/^\s*# -- /.test(line)) doc = comment
      else if (doc !== undefined) doc = `${doc} ${comment}`
      continue
    }
    const [, blanks = '', key] = /^( *)([A-Za-z][\w.]*):/.exec(line) ?? []
    if (key === undefined) {
      doc = undefined
      continue
    }
    while ((above.at(-1)?.indent ?? -1) >= blanks.length) above.pop()
    above.push({ indent: blanks.length, key })
    if (doc !== undefined) docs.set(above.map((one) => one.key).join('.'), doc)
    doc = undefined
  }
  return docs
}
