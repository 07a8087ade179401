/** What only a real Postgres can break. */
import { beforeEach, describe, expect, it } from '@jest/globals'
import {
  createPostgresArchive,
  type Archive,
  type ArchiveEvents,
  type ArchiveRow,
  type ArchiveWriter,
} from '@natter/archive'
import { TypedEvents } from '@natter/primitives'
import { eventually } from '@natter/testing'
import fc from 'fast-check'
import { createHash } from 'node:crypto'
import { namesOf } from '../src/postgres/names.js'
import { pageQuery } from '../src/postgres/reader.js'
import { at, batch, everything, noon, row } from './archive.contract.js'
import { startCuttingRelay } from './cutting-relay.js'
import { dayMs, postgresBench, stream, throughRelay } from './postgres-bench.js'

interface Cut {
  of: 'client' | 'server'
  afterBytes: number
  batchRows: number
}

const schema = 'natter'

let events: TypedEvents<ArchiveEvents>
let told: string[]

const open = (url = bench.database.url): Archive => createPostgresArchive({ url, schema, events })

beforeEach(() => {
  events = new TypedEvents<ArchiveEvents>()
  told = []
  events.on('archive:migration:apply', ({ name }) => told.push(`migration ${name}`))
  events.on('archive:partition:create', ({ namespace, day }) => told.push(`create ${namespace} ${day}`))
  events.on('archive:partition:drop', ({ namespace, day }) => told.push(`drop ${namespace} ${day}`))
  events.on('archive:dead-letter:write', ({ seq }) => told.push(`dead ${seq}`))
})

/** Every archive of this file is closed by its test. */
const bench = postgresBench(open)

const on = (seq: number, day: number): ArchiveRow =>
  row(seq, { timeNs: BigInt(noon + day * dayMs) * 1_000_000n, data: Buffer.from(String(seq)) })

describe('migrations', () => {
  it('are applied once, however many processes start at the same time', async () => {
    await bench.database.query('drop schema natter cascade')
    told.length = 0
    const archives = Array.from({ length: 6 }, () => open())
    await Promise.all(archives.map((each) => each.migrate()))
    expect(told).toEqual(['migration tables', 'migration closed-epochs', 'migration owner'])
    expect(await bench.database.one('select count(*)::int from natter.archive_migration')).toBe(3)
    await Promise.all(archives.map((each) => each.close()))
  }, 30_000)

  it('of a newer build are left alone, and so are tables that another text made', async () => {
    await bench.database.query(
      `insert into natter.archive_migration (version, name, hash) values (99, 'x', 'y')`,
    )
    await expect(bench.archive.migrate()).rejects.toMatchObject({
      name: 'InvalidError',
      code: 'archive-too-new',
    })
    await bench.database.query(`delete from natter.archive_migration where version = 99`)
    await bench.database.query(`update natter.archive_migration set hash = 'other'`)
    await expect(bench.archive.migrate()).rejects.toMatchObject({ code: 'archive-migration-changed' })
  })
})

describe('one transaction', () => {
  it('an overtaken batch leaves no row, span, gap or dead letter behind', async () => {
    const poisoned = row(2, { channel: 'chat:\0' })
    const stale = {
      ...batch(0, 3, [row(1), poisoned], [{ from: 3, to: 3, reason: 'evicted' as const }]),
      after: at(1),
    }
    await expect(bench.writer.write({ ...stale, rows: [poisoned] })).rejects.toMatchObject({
      code: 'archive-overtaken',
    })
    for (const table of ['publications', 'archive_span', 'archive_gap', 'dead_letter']) {
      expect([table, await bench.database.one(`select count(*)::int from natter.${table}`)]).toEqual([
        table,
        0,
      ])
    }
  })

  it('JSON that jsonb refuses, if it comes this far, costs its own row alone and not its bytes', async () => {
    const rows = [row(1, { json: '{}' }), row(2, { json: String.raw`"\u0000"` }), row(3, { json: '[1]' })]
    const report = await bench.writer.write(batch(0, 3, rows))
    expect(report).toMatchObject({ archived: 2, deadLetters: [{ seq: 2 }] })
    expect(report.deadLetters[0]?.reason).toMatch(/^22P05/)
    expect(told.at(-1)).toBe('dead 2')
    const [dead] = await bench.database.query<{ data: Buffer }>('select data from natter.dead_letter')
    expect(dead?.data).toEqual(rows[1]?.data)
    expect((await bench.archive.read(everything)).publications.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(await bench.database.query('select json from natter.publications order by seq')).toEqual([
      { json: {} },
      { json: [1] },
    ])
  })

  it('a channel name that is too long for the index is a dead letter, in a batch with many more', async () => {
    const rows = Array.from({ length: 300 }, (_, index) =>
      row(index + 1, index % 100 === 7 ? { channel: randomText(9_000) } : {}),
    )
    const report = await bench.writer.write(batch(0, 300, rows))
    expect(report.archived).toBe(297)
    expect(report.deadLetters.every(({ reason }) => reason.startsWith('54000'))).toBe(true)
    expect(await bench.database.one('select count(*)::int from natter.publications')).toBe(297)
  })

  it('a day that somebody dropped behind our back is made again', async () => {
    await bench.writer.write(batch(0, 1, [row(1)]))
    const [table] = await bench.database.query<{ name: string }>(
      `select relid::text as name from pg_partition_tree('natter.publications') where isleaf`,
    )
    await bench.database.query(`drop table ${table?.name}`)
    expect(await bench.writer.write(batch(1, 2, [row(2)]))).toEqual({ archived: 1, deadLetters: [] })
    expect(await bench.database.one('select count(*)::int from natter.publications')).toBe(1)
  })
})

/** No two alike, and nothing that compression could make shorter. */
const randomText = (length: number): string => {
  let text = ''
  while (text.length < length) text += createHash('sha512').update(`${text.length}`).digest('base64')
  return text.slice(0, length)
}

describe('epochs', () => {
  it('are numbered in the order they began, and say whether the one before was archived whole', async () => {
    await bench.writer.write(batch(0, 5, []))
    await bench.writer.beginEpoch('e2', at(5), true)
    await bench.writer.beginEpoch('e3', at(0, 'e2'), false)
    const rows = await bench.database.query(
      'select epoch, last_seq, lossless from natter.archive_epoch order by ordinal',
    )
    expect(rows).toEqual([
      { epoch: 'e1', last_seq: '5', lossless: true },
      { epoch: 'e2', last_seq: '0', lossless: false },
      { epoch: 'e3', last_seq: null, lossless: null },
    ])
  })
})

describe('who waits for the right', () => {
  const loginsOf = async (name: string): Promise<number> =>
    Number(
      await bench.database.one(
        `select count(*) from pg_stat_activity where application_name = $1 and datname = current_database()`,
        [name],
      ),
    )

  it('asks over a connection that it keeps, because a login for every look costs the server more than the look', async () => {
    const waiting = createPostgresArchive({ url: bench.database.url, schema, applicationName: 'waiting' })
    expect(await waiting.acquire(stream)).toBeUndefined()
    const asked = await bench.database.one(
      `select min(pid) from pg_stat_activity where application_name = 'waiting'`,
    )
    for (let look = 0; look < 10; look += 1) expect(await waiting.acquire(stream)).toBeUndefined()
    expect(await loginsOf('waiting')).toBe(1)
    expect(
      await bench.database.one(`select min(pid) from pg_stat_activity where application_name = 'waiting'`),
    ).toBe(asked)
    await bench.writer.release()
    const next = await waiting.acquire(stream)
    expect(next?.isHeld).toBe(true)
    await waiting.close()
  })

  it('gets it where the connection that it asks over was cut', async () => {
    const waiting = createPostgresArchive({ url: bench.database.url, schema, applicationName: 'waiting' })
    expect(await waiting.acquire(stream)).toBeUndefined()
    await bench.writer.release()
    await bench.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'waiting'`,
    )
    const next = await eventually(() => waiting.acquire(stream).catch(() => undefined))
    expect(next.isHeld).toBe(true)
    await waiting.close()
  })

  it('AR4: many who find it free at once are one who gets it', async () => {
    await bench.writer.release()
    const many = Array.from({ length: 6 }, () => open())
    const held = await Promise.all(many.map((one) => one.acquire(stream)))
    expect(held.filter((one) => one !== undefined)).toHaveLength(1)
    await Promise.all(many.map((one) => one.close()))
  })
})

describe('partitions', () => {
  it('several writers that need the same new days make each once', async () => {
    const others = await Promise.all([1, 2, 3].map((n) => bench.archive.acquire(`natter-s-${n}`)))
    const rows = [on(1, 0), on(2, 1), on(3, 2)]
    await Promise.all(
      others.map(async (other) => {
        await other?.beginEpoch('e1', undefined, false)
        await other?.write(batch(0, 3, rows))
      }),
    )
    const made = told.filter((what) => what.startsWith('create'))
    expect(made).toEqual(['create chat 2026-11-21', 'create chat 2026-11-22', 'create chat 2026-11-23'])
    expect(await bench.database.one('select count(*)::int from natter.publications')).toBe(9)
  })

  it('a writer that makes a new day waits for no reader, and no reader for it', async () => {
    await bench.writer.write(batch(0, 1, [on(1, 0)]))
    await bench.database.query('begin')
    await bench.database.query('select count(*) from natter.publications')
    await bench.writer.write(batch(1, 2, [on(2, 1)]))
    expect((await bench.archive.read(everything)).publications).toHaveLength(2)
    await bench.database.query('commit')
  })

  it('a read plans only the days that hold what it asks for', async () => {
    const rows = Array.from({ length: 40 }, (_, index) => on(index + 1, index))
    await bench.writer.write(batch(0, 40, rows))
    const run = [{ fromDay: day(20), toDay: day(21), min: 21, max: 22 }]
    const { text, values } = pageQuery(namesOf(schema), 1, everything, run, {
      limit: 10,
      maxBytes: 1e6,
      isFirst: true,
    })
    const plan = await bench.database.query<Record<string, string>>(`explain ${text}`, values)
    const lines = plan.map((line) => Object.values(line)[0] ?? '')
    const touched = new Set(lines.join('\n').match(/publications_n\d+_\d{8}/g))
    expect([...touched].map((name) => name.slice(-8)).toSorted()).toEqual(['20261211', '20261212'])
    const { publications } = await bench.archive.read({ ...everything, after: 20, upTo: 22 })
    expect(publications.map(({ seq }) => seq)).toEqual([21, 22])
  })

  it('a read that failed leaves nothing behind: the next one has a connection without a broken transaction', async () => {
    await bench.writer.write(batch(0, 1, [row(1)]))
    await bench.database.query('alter table natter.archive_gap rename to elsewhere')
    for (let n = 0; n < 3; n += 1) {
      await expect(bench.archive.read(everything)).rejects.toMatchObject({ code: 'archive-away' })
    }
    await bench.database.query('alter table natter.elsewhere rename to archive_gap')
    expect((await bench.archive.read(everything)).publications).toHaveLength(1)
  })

  it('pages through hundreds of days in either direction give all, once and in order', async () => {
    const rows = Array.from({ length: 300 }, (_, index) => on(index + 1, index - 200))
    await bench.writer.write(batch(0, 300, rows))
    const seen: number[] = []
    for (let after = 0; ;) {
      const { publications, isComplete } = await bench.archive.read({ ...everything, after, limit: 70 })
      seen.push(...publications.map(({ seq }) => seq))
      after = seen.at(-1) ?? 0
      if (isComplete) break
    }
    expect(seen).toEqual(rows.map(({ seq }) => seq))
    const back = await bench.archive.read({ ...everything, direction: 'backward' })
    expect(back.publications.map(({ seq }) => seq)).toEqual(seen.toReversed())
  }, 60_000)

  it('forget drops the tables of the days', async () => {
    await bench.writer.write(batch(0, 3, [on(1, 0), on(2, 1), on(3, 2)]))
    expect(await bench.archive.forget('chat', noon + 2 * dayMs)).toBe(2)
    expect(told.filter((what) => what.startsWith('drop'))).toEqual([
      'drop chat 2026-11-21',
      'drop chat 2026-11-22',
    ])
    const left = await bench.database.query(
      `select from pg_class where relname ~ '^publications_n1_' and relkind = 'r'`,
    )
    expect(left).toHaveLength(1)
  })
})

const day = (offset: number): number => Math.floor(noon / dayMs) + offset

describe('lost connections', () => {
  it('however often the connection is cut, what is retried by checkpoint is in the table once and whole', async () => {
    const cuts = fc.array(
      fc.record({
        of: fc.constantFrom('client' as const, 'server' as const),
        afterBytes: fc.integer({ min: 400, max: 30_000 }),
        batchRows: fc.integer({ min: 1, max: 30 }),
      }),
      { minLength: 1, maxLength: 4 },
    )
    // the server says little: its cuts are scaled down
    const scaled = cuts.map((all) =>
      all.map((cut) => ({ ...cut, afterBytes: cut.afterBytes / (cut.of === 'server' ? 10 : 1) })),
    )
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(60), { minLength: 20, maxLength: 60 }),
        scaled,
        async (sizes, plan) => {
          run += 1
          const name = `crash-${run}`
          const expected = await writeWithCuts(name, sizes, plan)
          const rows = await bench.database.query<{ seq: string; hash: string }>(
            `select p.seq, encode(sha256(p.data), 'hex') as hash from natter.publications p
           join natter.archive_epoch e on e.ordinal = p.epoch_ordinal where e.stream = $1 order by p.seq`,
            [name],
          )
          expect(rows.map(({ seq, hash }) => `${seq} ${hash}`)).toEqual(expected)
        },
      ),
      { numRuns: 15 },
    )
    expect(cutShort).toBeGreaterThan(10)
  }, 120_000)

  it('a server that stands still is given up in time, and the right is gone', async () => {
    const impatient = createPostgresArchive({
      url: bench.database.url,
      schema,
      answerTimeoutMs: 300,
      connectTimeoutMs: 300,
    })
    const held = await impatient.acquire('slow')
    await bench.server.kill('SIGSTOP')
    try {
      await expect(held?.checkpoint()).rejects.toMatchObject({ code: 'archive-away' })
      expect(held?.isHeld).toBe(false)
      await expect(impatient.acquire('slow')).rejects.toMatchObject({ code: 'archive-away' })
      expect(await impatient.problem()).toMatch(/Postgres can't be used now/)
    } finally {
      await bench.server.kill('SIGCONT')
    }
    await impatient.close()
  }, 30_000)
})

/** Runs that ended before they were through. */
let cutShort = 0

/** The body of each publication says which it is; the checkpoint says how far a run that was cut has come. */
async function writeWithCuts(
  name: string,
  sizes: readonly number[],
  cuts: readonly Cut[],
): Promise<string[]> {
  const rows = sizes.map((size, index) =>
    row(index + 1, { data: Buffer.alloc(size * 50, index), namespace: `n${index % 3}` }),
  )
  for (const cut of cuts) {
    const relay = await startCuttingRelay(bench.server.port, cut)
    const through = open(throughRelay(bench, relay.port))
    await writeOn(through, name, rows, cut.batchRows).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'archive-away' })
      cutShort += 1
    })
    await through.close()
    await relay.close()
  }
  await writeOn(bench.archive, name, rows, 7)
  return rows.map(({ seq, data }) => `${seq} ${createHash('sha256').update(data).digest('hex')}`)
}

async function writeOn(
  from: Archive,
  name: string,
  rows: readonly ArchiveRow[],
  size: number,
): Promise<void> {
  const held = await acquiredSoon(from, name)
  let after = (await held.checkpoint()) ?? (await held.beginEpoch('e1', undefined, false))
  while (after.seq < rows.length) {
    const next = at(Math.min(after.seq + size, rows.length))
    await held.write({ after, next, rows: rows.slice(after.seq, next.seq), gaps: [] })
    after = next
  }
  await held.release()
}

/** The server may take a moment to see that the last one is gone; a connection that is cut again is told at once. */
async function acquiredSoon(from: Archive, name: string): Promise<ArchiveWriter> {
  const outcome = await eventually(() =>
    from.acquire(name).then(
      (held) => held,
      (error: unknown) => ({ error }),
    ),
  )
  if ('error' in outcome) throw outcome.error
  return outcome
}
