/**
 * Brings a schema to what this build needs.
 *
 * MG1. One process at a time, by an advisory lock; each migration once, all of them in one transaction.
 * MG2. What a newer build has made is left alone.
 */
import { InvalidError, type TypedEvents } from '@natter/primitives'
import { createHash } from 'node:crypto'
import type { Client } from 'pg'
import type { ArchiveEvents } from '../archive-events.js'
import { migrations as all, type Migration } from './migrations/index.js'
import type { Names } from './names.js'

interface Applied {
  version: number
  hash: string
}

/** @throws InvalidError `archive-too-new`, `archive-migration-changed`. Driver errors go through. */
export async function migrate(
  client: Client,
  names: Names,
  events: TypedEvents<ArchiveEvents>,
  migrations: readonly Migration[] = all,
): Promise<void> {
  await client.query('begin')
  const done = await inTransaction(client, names, migrations).catch(async (error: unknown) => {
    await client.query('rollback').catch(() => {})
    throw error
  })
  await client.query('commit')
  for (const { version, name } of done) events.emit('archive:migration:apply', { version, name })
}

async function inTransaction(
  client: Client,
  names: Names,
  migrations: readonly Migration[],
): Promise<{ version: number; name: string }[]> {
  await client.query('select pg_advisory_xact_lock($1)', [names.lockKey('migrate')]) // MG1
  await client.query(`create schema if not exists ${names.schema}`)
  await client.query(`set local search_path = ${names.schema}`)
  await client.query(`create table if not exists archive_migration (
    version int primary key, name text not null, hash text not null, applied_at timestamptz not null default now())`)
  const { rows } = await client.query<Applied>('select version, hash from archive_migration order by version')
  requireKnown(rows, migrations)
  const missing = migrations
    .map((migration, index) => ({ ...migration, version: index + 1 }))
    .slice(rows.length)
  for (const { version, name, sql } of missing) {
    await client.query(sql)
    await client.query('insert into archive_migration (version, name, hash) values ($1, $2, $3)', [
      version,
      name,
      hashOf(sql),
    ])
  }
  return missing
}

function requireKnown(applied: readonly Applied[], migrations: readonly Migration[]): void {
  if (applied.length > migrations.length) {
    throw new InvalidError(
      'archive-too-new',
      `The archive has version ${applied.at(-1)?.version}, this build knows ${migrations.length}: run the newer build`,
    ) // MG2
  }
  for (const [index, { version, hash }] of applied.entries()) {
    if (hash === hashOf(migrations[index]?.sql ?? '')) continue
    throw new InvalidError(
      'archive-migration-changed',
      `The archive's tables were made by another form of migration ${version}: use another schema, or the build that made them`,
    )
  }
}

const hashOf = (sql: string): string => createHash('sha256').update(sql).digest('hex')
