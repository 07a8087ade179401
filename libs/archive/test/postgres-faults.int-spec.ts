/** What a reader, a caller that waits and a caller that leaves may count on when Postgres doesn't. */
import { describe, expect, it } from '@jest/globals'
import { createPostgresArchive } from '@natter/archive'
import { eventually } from '@natter/testing'
import { namesOf } from '../src/postgres/names.js'
import { batch, everything, row } from './archive.contract.js'
import { startCuttingRelay } from './cutting-relay.js'
import { postgresBench, throughRelay } from './postgres-bench.js'

const bench = postgresBench()

describe('a connection of the pool', () => {
  it('that is cut while somebody waits for it fails that call alone, not the process', async () => {
    await bench.writer.write(batch(0, 1, [row(1, { data: Buffer.alloc(200_000) })]))
    const relay = await startCuttingRelay(bench.server.port, { of: 'server', afterBytes: 100_000 })
    const through = createPostgresArchive({ url: throughRelay(bench, relay.port) })
    try {
      await expect(through.read(everything)).rejects.toMatchObject({ code: 'archive-away' })
      expect((await bench.archive.read(everything)).publications).toHaveLength(1)
    } finally {
      await through.close()
      await relay.close()
    }
  })
})

describe('dead letters', () => {
  it('come a page at a time, however big they are: a read holds no more than it was asked for', async () => {
    const rows = Array.from({ length: 30 }, (_, index) =>
      row(index + 1, { channel: 'chat:\0', data: Buffer.alloc(200_000, index) }),
    )
    await bench.writer.write(batch(0, 30, rows))
    const relay = await startCuttingRelay(bench.server.port, { of: 'server', afterBytes: 3_000_000 })
    const through = createPostgresArchive({ url: throughRelay(bench, relay.port) })
    const query = { ...everything, channel: 'chat:\0', maxBytes: 500_000 }
    try {
      const page = await through.read(query)
      expect([page.publications.map(({ seq }) => seq), page.isComplete]).toEqual([[1, 2], false])
      const back = await through.read({ ...query, direction: 'backward', upTo: 29, maxBytes: 1 })
      expect([back.publications.map(({ seq }) => seq), back.isComplete]).toEqual([[29], false])
    } finally {
      await through.close()
      await relay.close()
    }
  })
})

describe('nothing hangs', () => {
  it('a migration that waits for another one gives up in time', async () => {
    const impatient = createPostgresArchive({ url: bench.database.url, answerTimeoutMs: 300 })
    await bench.other.query('begin')
    await bench.other.query('select pg_advisory_xact_lock($1)', [namesOf('natter').lockKey('migrate')])
    await expect(impatient.migrate()).rejects.toMatchObject({ code: 'archive-away' })
    await bench.other.query('commit')
    await impatient.migrate()
    await impatient.close()
  })

  it('a writer that is released while a server stands still is given up in time', async () => {
    const impatient = createPostgresArchive({ url: bench.database.url, answerTimeoutMs: 300 })
    const held = await impatient.acquire('slow')
    await bench.server.kill('SIGSTOP')
    try {
      const asked = held?.checkpoint()
      asked?.catch(() => {})
      await new Promise((resolve) => setImmediate(resolve)) // the question is on its way
      await Promise.all([held?.release(), impatient.close()])
      await expect(asked).rejects.toMatchObject({ code: 'archive-away' })
    } finally {
      await bench.server.kill('SIGCONT')
    }
  }, 30_000)

  it('a right that arrives after the archive was closed is given back', async () => {
    const leaving = createPostgresArchive({ url: bench.database.url, applicationName: 'leaving' })
    const acquiring = leaving.acquire('late')
    acquiring.catch(() => {})
    await leaving.close()
    await expect(acquiring).rejects.toMatchObject({ code: 'archive-away' })
    await eventually(
      async () =>
        (await bench.database.one(
          `select count(*)::int from pg_stat_activity where application_name = 'leaving'`,
        )) === 0,
    )
  })
})
