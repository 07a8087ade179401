/** The names of everything the archive has in a database. Nothing else puts one together. */
import { InvalidError } from '@natter/primitives'
import { createHash } from 'node:crypto'
import { dayText } from '../rules.js'

const SCHEMA_GRAMMAR = /^[a-z0-9][a-z0-9_-]{0,31}$/

export interface Names {
  /** Quoted, like all below. */
  readonly schema: string
  /** A table, view or function of the schema. */
  of(name: string): string
  /** Key of the advisory lock for this purpose, as the text of a bigint. Other schemas have other keys. */
  lockKey(purpose: string): string
}

/** @throws InvalidError `bad-schema`. */
export function namesOf(schema: string): Names {
  // the same grammar as the mesh's prefix; pg_ is Postgres' own
  if (!SCHEMA_GRAMMAR.test(schema) || schema.startsWith('pg_')) {
    throw new InvalidError('bad-schema', `"${schema}" can't be a schema: use a-z, 0-9, _ and -, at most 32`)
  }
  return {
    schema: quote(schema),
    of: (name) => `${quote(schema)}.${quote(name)}`,
    lockKey: (purpose) =>
      createHash('sha256')
        .update(`natter archive\0${schema}\0${purpose}`)
        .digest()
        .readBigInt64BE()
        .toString(),
  }
}

/** The table of a namespace: by number, for a namespace may be called anything. */
export const namespaceTable = (id: number | ''): string => `publications_n${id}`

export const dayTable = (id: number, day: number): string =>
  `${namespaceTable(id)}_${dayText(day).replaceAll('-', '')}`

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
/** For statements that take no parameters. Never for what a client chose. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
