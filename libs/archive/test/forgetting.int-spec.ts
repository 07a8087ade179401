/** A day may be forgotten while others write it, read it, or die of it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createPostgresArchive, type Archive, type ArchiveRow, type ArchiveWriter } from '@natter/archive'
import { eventually, leakCheck, startPostgres, type PostgresServer } from '@natter/testing'
import { Client } from 'pg'
import { at, batch, everything, noon, row } from './archive.contract.js'
import { Database } from './database.js'

const dayMs = 86_400_000
const stream = 'natter-s-0'
const table = 'natter.publications_n1_20261121'

let server: PostgresServer
let database: Database
/** Somebody else's session. */
let other: Client
let archive: Archive
let writer: ArchiveWriter

let expectNoLeaks: ReturnType<typeof leakCheck>
beforeAll(async () => {
  expectNoLeaks = leakCheck() // in a hook like its end: Jest's own timer counts on both sides
  server = await startPostgres()
}, 60_000)
afterAll(async () => {
  await server.stop()
  await expectNoLeaks()
})

beforeEach(async () => {
  database = await Database.create(server)
  other = new Client({ connectionString: database.url })
  await other.connect()
  archive = createPostgresArchive({ url: database.url })
  await archive.migrate()
  writer = await acquired(stream)
  await writer.beginEpoch('e1', undefined, false)
}, 60_000)

afterEach(async () => {
  await archive.close()
  await other.end()
  await database.close()
})

async function acquired(name: string): Promise<ArchiveWriter> {
  const held = await archive.acquire(name)
  if (held === undefined) throw new Error('somebody holds the right')
  return held
}

const on = (seq: number, day: number, over: Partial<ArchiveRow> = {}): ArchiveRow =>
  row(seq, { timeNs: BigInt(noon + day * dayMs) * 1_000_000n, ...over })

const isPending = async (): Promise<boolean> =>
  (await database.one('select count(*)::int from pg_inherits where inhdetachpending')) === 1

/** Forgets the first day, and stands still in the middle of it: somebody has a transaction open over the table. */
async function forgetHalfway(): Promise<{ forgetting: Promise<number> }> {
  await other.query('begin')
  await other.query('select count(*) from natter.publications')
  const forgetting = archive.forget('chat', noon + dayMs)
  forgetting.catch(() => {})
  await eventually(isPending)
  return { forgetting }
}

describe('a day that is forgotten', () => {
  it('is told as missing also to readers of a stream that was writing into it just then, or it would be a silent hole (F2)', async () => {
    await writer.write(batch(0, 1, [on(1, 0)]))
    const second = await acquired('natter-s-1')
    await second.beginEpoch('e1', undefined, false)
    // what a batch of the second stream does, stopped before its commit
    await other.query('begin')
    await other.query(
      `insert into natter.publications (seq, time_ns, published_at, epoch_ordinal, kind, namespace, channel, meta, data)
       values (1, $1, '2026-11-21T12:00:00Z', 2, 'b', 'chat', 'chat:room', '', '')`,
      [String(BigInt(noon) * 1_000_000n)],
    )
    await other.query(`insert into natter.archive_span values (2, 'chat', '2026-11-21', 1, 1)`)
    const forgetting = archive.forget('chat', noon + dayMs)
    await eventually(isPending)
    await other.query('commit')
    expect(await forgetting).toBe(1)
    const page = await archive.read({ ...everything, stream: 'natter-s-1' })
    expect([page.publications, page.gaps]).toEqual([[], [{ from: 1, to: 1, reason: 'forgotten' }]])
  }, 30_000)

  it('may get rows meanwhile: they stop nobody, are kept as dead letters, and the rows of other days stand beside', async () => {
    await writer.write(batch(0, 1, [on(1, 0)]))
    const { forgetting } = await forgetHalfway()
    const report = await writer.write(batch(1, 3, [on(2, 0), on(3, 1)]))
    expect(report).toEqual({
      archived: 1,
      deadLetters: [{ seq: 2, reason: expect.stringMatching(/being forgotten/) as unknown }],
    })
    const meanwhile = await archive.read(everything)
    expect(meanwhile.publications.map(({ seq }) => seq)).toEqual([2, 3])
    expect(meanwhile.gaps).toEqual([{ from: 1, to: 1, reason: 'forgotten' }])
    await other.query('commit')
    await forgetting
    await writer.write(batch(3, 4, [on(4, 0)])) // its table is made anew
    const page = await archive.read(everything)
    expect(page.publications.map(({ seq }) => seq)).toEqual([3, 4])
    expect(page.gaps).toEqual([{ from: 1, to: 4, reason: 'forgotten' }]) // too much, never too little
  }, 30_000)

  it('whose forgetting was cut off is finished by the next one, also when that wants to forget less', async () => {
    await writer.write(batch(0, 1, [on(1, 0)]))
    await forgetHalfway()
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like 'alter table%' and state = 'active'`,
    )
    await other.query('commit')
    await writer.write(batch(1, 2, [on(2, -9)]))
    await archive.forget('chat', noon - 7 * dayMs)
    expect([await isPending(), await database.one('select to_regclass($1)', [table])]).toEqual([false, null])
    expect((await archive.read(everything)).publications).toEqual([])
  }, 30_000)

  it('leaves no table behind that nobody would ever look for', async () => {
    await writer.write(batch(0, 2, [on(1, 0), on(2, 1)]))
    await database.query(`alter table natter.publications_n1 detach partition ${table}`) // so far it came
    await archive.forget('chat', noon + dayMs)
    expect(await database.one('select to_regclass($1)', [table])).toBeNull()
    const page = await archive.read(everything)
    expect(page.publications.map(({ seq }) => seq)).toEqual([2])
    expect(page.gaps).toEqual([{ from: 1, to: 1, reason: 'forgotten' }])
  })

  it('whose table was detached and is made anew by a late row is told as missing, with what was in it', async () => {
    await writer.write(batch(0, 1, [on(1, 0)]))
    const second = await acquired('natter-s-1')
    await second.beginEpoch('e1', undefined, false)
    await database.query(`alter table natter.publications_n1 detach partition ${table}`)
    await second.write(batch(0, 1, [on(1, 0)]))
    expect((await archive.read(everything)).gaps).toEqual([{ from: 1, to: 1, reason: 'forgotten' }])
  })

  it('is a day of UTC also for dead letters, wherever the server thinks it stands', async () => {
    await database.query(
      `do $$ begin execute format('alter database %I set timezone = ''Asia/Tokyo''', current_database()); end $$`,
    )
    const evening = BigInt(Date.UTC(2026, 10, 21, 20)) * 1_000_000n
    const poisoned = row(1, { timeNs: evening, channel: 'chat:\0' })
    await writer.write({ ...batch(0, 3, [poisoned, on(2, 1), on(3, 1)]), next: at(3) })
    await archive.forget('chat', noon + dayMs)
    const page = await archive.read({ ...everything, after: 1 })
    expect([page.publications.length, page.gaps]).toEqual([2, []])
  })
})
