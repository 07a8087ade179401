/** A day may be forgotten while others write it, read it, or die of it. */
import { describe, expect, it } from '@jest/globals'
import type { ArchiveRow } from '@natter/archive'
import { eventually } from '@natter/testing'
import { at, batch, everything, noon, row } from './archive.contract.js'
import { acquired, dayMs, postgresBench } from './postgres-bench.js'

const table = 'natter.publications_n1_20261121'

const bench = postgresBench()

const on = (seq: number, day: number, over: Partial<ArchiveRow> = {}): ArchiveRow =>
  row(seq, { timeNs: BigInt(noon + day * dayMs) * 1_000_000n, ...over })

const isPending = async (): Promise<boolean> =>
  (await bench.database.one('select count(*)::int from pg_inherits where inhdetachpending')) === 1

/** Forgets the first day, and stands still in the middle of it: somebody has a transaction open over the table. */
async function forgetHalfway(): Promise<{ forgetting: Promise<number> }> {
  await bench.other.query('begin')
  await bench.other.query('select count(*) from natter.publications')
  const forgetting = bench.archive.forget('chat', noon + dayMs)
  forgetting.catch(() => {})
  await eventually(isPending)
  return { forgetting }
}

describe('a day that is forgotten', () => {
  it('is told as missing also to readers of a stream that was writing into it just then, or it would be a silent hole (F2)', async () => {
    await bench.writer.write(batch(0, 1, [on(1, 0)]))
    const second = await acquired(bench.archive, 'natter-s-1')
    await second.beginEpoch('e1', undefined, false)
    // what a batch of the second stream does, stopped before its commit
    await bench.other.query('begin')
    await bench.other.query(
      `insert into natter.publications (seq, time_ns, published_at, epoch_ordinal, kind, namespace, channel, meta, data)
       values (1, $1, '2026-11-21T12:00:00Z', 2, 'b', 'chat', 'chat:room', '', '')`,
      [String(BigInt(noon) * 1_000_000n)],
    )
    await bench.other.query(`insert into natter.archive_span values (2, 'chat', '2026-11-21', 1, 1)`)
    const forgetting = bench.archive.forget('chat', noon + dayMs)
    await eventually(isPending)
    await bench.other.query('commit')
    expect(await forgetting).toBe(1)
    const page = await bench.archive.read({ ...everything, stream: 'natter-s-1' })
    expect([page.publications, page.gaps]).toEqual([[], [{ from: 1, to: 1, reason: 'forgotten' }]])
  }, 30_000)

  it('may get rows meanwhile: they stop nobody, are kept as dead letters, and the rows of other days stand beside', async () => {
    await bench.writer.write(batch(0, 1, [on(1, 0)]))
    const { forgetting } = await forgetHalfway()
    const report = await bench.writer.write(batch(1, 3, [on(2, 0), on(3, 1)]))
    expect(report).toEqual({
      archived: 1,
      deadLetters: [{ seq: 2, reason: expect.stringMatching(/being forgotten/) as unknown }],
    })
    const meanwhile = await bench.archive.read(everything)
    expect(meanwhile.publications.map(({ seq }) => seq)).toEqual([2, 3])
    expect(meanwhile.gaps).toEqual([{ from: 1, to: 1, reason: 'forgotten' }])
    await bench.other.query('commit')
    await forgetting
    await bench.writer.write(batch(3, 4, [on(4, 0)])) // its table is made anew
    const page = await bench.archive.read(everything)
    expect(page.publications.map(({ seq }) => seq)).toEqual([3, 4])
    expect(page.gaps).toEqual([{ from: 1, to: 4, reason: 'forgotten' }]) // too much, never too little
  }, 30_000)

  it('whose forgetting was cut off is finished by the next one, also when that wants to forget less', async () => {
    await bench.writer.write(batch(0, 1, [on(1, 0)]))
    await forgetHalfway()
    await bench.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like 'alter table%' and state = 'active'`,
    )
    await bench.other.query('commit')
    await bench.writer.write(batch(1, 2, [on(2, -9)]))
    await bench.archive.forget('chat', noon - 7 * dayMs)
    expect([await isPending(), await bench.database.one('select to_regclass($1)', [table])]).toEqual([
      false,
      null,
    ])
    expect((await bench.archive.read(everything)).publications).toEqual([])
  }, 30_000)

  it('leaves no table behind that nobody would ever look for', async () => {
    await bench.writer.write(batch(0, 2, [on(1, 0), on(2, 1)]))
    await bench.database.query(`alter table natter.publications_n1 detach partition ${table}`) // so far it came
    await bench.archive.forget('chat', noon + dayMs)
    expect(await bench.database.one('select to_regclass($1)', [table])).toBeNull()
    const page = await bench.archive.read(everything)
    expect(page.publications.map(({ seq }) => seq)).toEqual([2])
    expect(page.gaps).toEqual([{ from: 1, to: 1, reason: 'forgotten' }])
  })

  it('whose table was detached and is made anew by a late row is told as missing, with what was in it', async () => {
    await bench.writer.write(batch(0, 1, [on(1, 0)]))
    const second = await acquired(bench.archive, 'natter-s-1')
    await second.beginEpoch('e1', undefined, false)
    await bench.database.query(`alter table natter.publications_n1 detach partition ${table}`)
    await second.write(batch(0, 1, [on(1, 0)]))
    expect((await bench.archive.read(everything)).gaps).toEqual([{ from: 1, to: 1, reason: 'forgotten' }])
  })

  it('is a day of UTC also for dead letters, wherever the server thinks it stands', async () => {
    await bench.database.query(
      `do $$ begin execute format('alter database %I set timezone = ''Asia/Tokyo''', current_database()); end $$`,
    )
    const evening = BigInt(Date.UTC(2026, 10, 21, 20)) * 1_000_000n
    const poisoned = row(1, { timeNs: evening, channel: 'chat:\0' })
    await bench.writer.write({ ...batch(0, 3, [poisoned, on(2, 1), on(3, 1)]), next: at(3) })
    await bench.archive.forget('chat', noon + dayMs)
    const page = await bench.archive.read({ ...everything, after: 1 })
    expect([page.publications.length, page.gaps]).toEqual([2, []])
  })
})
