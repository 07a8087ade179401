import type { Problem } from '../problem.js'

/** Where a value came from. `name` is the file, the variable or the flag. */
export type Origin =
  { readonly from: 'unset' | 'default' } | { readonly from: 'file' | 'env' | 'flag'; readonly name: string }

/** A value as it was given, before the schema has seen it. */
export interface Given {
  readonly value: unknown
  readonly origin: Origin
}

/** What one source says: values by path, and what is wrong with it. */
export interface SourceReading {
  readonly values: ReadonlyMap<string, Given>
  readonly problems: readonly Problem[]
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads a text file; throws what the system says when it can't. */
export type ReadFile = (path: string) => string

/** Why a file couldn't be read, in words. The system's own message would do, but repeats the path. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES' || code === 'EPERM') return 'this process may not read it'
  if (code === 'EISDIR') return 'it is a folder'
  return `reading it failed${code === '' ? '' : ` with ${code}`}`
}
