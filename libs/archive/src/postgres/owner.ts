/**
 * Which mesh the schema belongs to.
 *
 * OW1. A writer's connection holds a shared lock from before it looks whose the schema is until its end, and taking the schema over
 *      needs that lock alone: no writer of another mesh is there then, and none of the old one comes afterwards.
 * OW2. The owner is seen by the server's clock, never by a process's.
 */
import type { Client, Pool } from 'pg'
import type { ArchiveClaim } from '../archive.js'
import { withPooled } from './connection.js'
import type { Names } from './names.js'

const lockOf = (names: Names): string => names.lockKey('owner')

/** @throws UnavailableError `archive-away`. */
export function claimArchive(
  pool: Pool,
  names: Names,
  mesh: string,
  ownerTimeoutMs: number,
): Promise<ArchiveClaim> {
  return withPooled(pool, async (client) => {
    const { rowCount } = await client.query(
      `insert into ${names.of('archive_owner')} as o (mesh) values ($1) on conflict (id) do update
         set mesh = $1, seen_at = now(), since = case when o.mesh = $1 then o.since else now() end
       where case when o.mesh = $1 then true
         when o.seen_at <= now() - $2 * interval '1 ms' then pg_try_advisory_xact_lock($3) else false end`, // OW1, OW2
      [mesh, ownerTimeoutMs, lockOf(names)],
    )
    if (rowCount === 1) return { isOwner: true }
    const { rows } = await client.query<{ mesh: string; unseen: string }>(
      `select mesh, greatest(0, extract(epoch from now() - seen_at) * 1000)::bigint as unseen from ${names.of('archive_owner')}`,
    )
    return { isOwner: false, owner: rows[0]?.mesh ?? '', unseenMs: Number(rows[0]?.unseen ?? 0) }
  })
}

/** OW1. False while another mesh has the schema or takes it over. The lock goes with the connection. */
export async function holdFor(client: Client, names: Names, mesh: string): Promise<boolean> {
  const lock = await client.query<{ held: boolean }>('select pg_try_advisory_lock_shared($1) as held', [
    lockOf(names),
  ])
  if (lock.rows[0]?.held !== true) return false
  const { rows } = await client.query<{ mesh: string }>(`select mesh from ${names.of('archive_owner')}`)
  return rows[0]?.mesh === mesh
}
