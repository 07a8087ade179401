import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createPostgresArchive } from '@natter/archive'
import { startPostgres, type PostgresServer } from '@natter/testing'
import { describeArchive } from './archive.contract.js'
import { Database } from './database.js'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
}, 60_000)
afterAll(() => server.stop())

describeArchive('postgres', async () => {
  const database = await Database.create(server)
  const [a, b] = [1, 2].map(() => createPostgresArchive({ url: database.url, schema: 'natter-x_1' }))
  if (a === undefined || b === undefined) throw new Error('two were made')
  return {
    a,
    b,
    cut: () => database.cutWriters(),
    close: async () => {
      await Promise.all([a.close(), b.close()])
      await database.close()
    },
  }
})

describe('a Postgres archive', () => {
  it('is told that its schema has no fitting name', () => {
    for (const schema of ['', 'pg_x', 'Natter', 'a"b', 'a'.repeat(33)]) {
      expect(() => createPostgresArchive({ url: 'postgres://x', schema })).toThrow(
        expect.objectContaining({ code: 'bad-schema' }),
      )
    }
  })
})
