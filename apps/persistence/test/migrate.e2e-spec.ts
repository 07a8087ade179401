import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { freePort, startPostgres, startProcess, withClient, type PostgresServer } from '@natter/testing'
import { join } from 'node:path'

const program = join(import.meta.dirname, '../src/migrate.ts')
const everyApp = join(import.meta.dirname, '../../../natter.yaml')

describe('migrating', () => {
  let postgres: PostgresServer

  beforeAll(async () => {
    postgres = await startPostgres()
  }, 60_000)
  afterAll(() => postgres.stop())

  const run = async (env: Readonly<Record<string, string>>) => {
    const child = await startProcess({
      args: [program],
      env: { NATTER_CONFIG: everyApp, NATTER_POSTGRES_URL: undefined, ...env },
    })
    const { code } = await child.exited
    const lines = child.lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    return { code, text: child.lines.join('\n'), lines }
  }
  const applied = (url: string) =>
    withClient(url, async (client) => {
      const { rows } = await client.query<object>('select * from natter.archive_migration order by version')
      return rows
    })

  it('makes the tables; a second run finds them and changes nothing', async () => {
    const url = await postgres.createDatabase()
    const first = await run({ NATTER_POSTGRES_URL: url })
    expect(first).toMatchObject({ code: 0 })
    expect(first.text).toContain('archive:migration:apply')
    const before = await applied(url)
    expect(before.length).toBeGreaterThan(0)
    const second = await run({ NATTER_POSTGRES_URL: url })
    expect(second).toMatchObject({ code: 0 })
    expect(second.text).not.toContain('archive:migration:apply')
    expect(await applied(url)).toEqual(before)
  }, 30_000)

  it('of several at once makes them once', async () => {
    const url = await postgres.createDatabase()
    const runs = await Promise.all([1, 2, 3].map(() => run({ NATTER_POSTGRES_URL: url })))
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
    const all = runs.flatMap(({ lines }) => lines).filter(({ event }) => event === 'archive:migration:apply')
    expect(all).toHaveLength((await applied(url)).length)
  }, 30_000)

  it('leaves alone what a newer build has made: 1, and what to do', async () => {
    const url = await postgres.createDatabase()
    await run({ NATTER_POSTGRES_URL: url })
    await withClient(url, (client) =>
      client.query(`insert into natter.archive_migration (version, name, hash) values (1000, 'later', 'x')`),
    )
    const { code, lines } = await run({ NATTER_POSTGRES_URL: url })
    expect(code).toBe(1)
    expect(lines.at(-1)).toMatchObject({ event: 'process:once:failed', error: { code: 'archive-too-new' } })
  }, 30_000)

  it('ends with 1 and a sentence when Postgres is away for the connect timeout, and not before', async () => {
    const url = `postgres://natter:hidden-word@127.0.0.1:${await freePort()}/natter`
    const { code, text, lines } = await run({
      NATTER_POSTGRES_URL: url,
      NATTER_POSTGRES_CONNECT_TIMEOUT: '500ms',
    })
    expect(code).toBe(1)
    expect(lines.filter(({ event }) => event === 'archive:migrate:failed').length).toBeGreaterThan(0)
    expect(lines.at(-1)).toMatchObject({
      event: 'process:once:failed',
      error: { message: expect.stringContaining('Postgres') },
    })
    expect(text).not.toContain('hidden-word')
  }, 30_000)

  it('ends with 78 where no Postgres is named', async () => {
    const { code, text } = await run({})
    expect(code).toBe(78)
    expect(text).toContain('NATTER_POSTGRES_URL')
  }, 30_000)
})
