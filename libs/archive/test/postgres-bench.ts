/**
 * What the laws of the archive on a real Postgres stand on: one server for a file, and for each test a fresh database with an archive
 * in it, whose stream has begun its first epoch. Nothing may be left of them when the file is through.
 */
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals'
import { createPostgresArchive, type Archive, type ArchiveWriter } from '@natter/archive'
import { leakCheck, startPostgres, type PostgresServer } from '@natter/testing'
import { Client } from 'pg'
import { everything } from './archive.contract.js'
import { Database } from './database.js'

/** Of the writer, and of every query that names no other. */
export const { stream } = everything

export const dayMs = 86_400_000

export interface PostgresBench {
  readonly server: PostgresServer
  readonly database: Database
  /** Somebody else's session in the database. */
  readonly other: Client
  readonly archive: Archive
  /** Holds the right to `stream`; nothing is written in its epoch `e1`. */
  readonly writer: ArchiveWriter
}

/** Its fields are there while a test runs. `open` makes the archive of a test; hooks that it needs come before this. */
export function postgresBench(
  open = (url: string): Archive => createPostgresArchive({ url }),
): PostgresBench {
  const bench = {} as { -readonly [Part in keyof PostgresBench]: PostgresBench[Part] }
  let expectNoLeaks: ReturnType<typeof leakCheck>

  beforeAll(async () => {
    expectNoLeaks = leakCheck() // in a hook like its end: Jest's own timer counts on both sides
    bench.server = await startPostgres()
  }, 60_000)

  afterAll(async () => {
    await bench.server.stop()
    await expectNoLeaks()
  })

  beforeEach(async () => {
    bench.database = await Database.create(bench.server)
    bench.other = new Client({ connectionString: bench.database.url })
    await bench.other.connect()
    bench.archive = open(bench.database.url)
    await bench.archive.migrate()
    bench.writer = await acquired(bench.archive)
    await bench.writer.beginEpoch('e1', undefined, false)
  }, 60_000)

  afterEach(async () => {
    await bench.archive.close()
    await bench.other.end()
    await bench.database.close()
  })

  return bench
}

/** The right to a stream that must be free. */
export async function acquired(archive: Archive, name = stream): Promise<ArchiveWriter> {
  const held = await archive.acquire(name)
  if (held === undefined) throw new Error('somebody holds the right')
  return held
}

/** Where the database of a test is found through a relay that stands before its server. */
export const throughRelay = ({ server, database }: PostgresBench, port: number): string =>
  database.url.replace(String(server.port), String(port))
