import { describe, expect, it } from '@jest/globals'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { Client } from 'pg'
import { leakCheck, startPostgres, withClient } from '../src/index.js'

const query = (url: string, sql: string): Promise<unknown[]> =>
  withClient({ connectionString: url, connectionTimeoutMillis: 2_000 }, async (client) => {
    const { rows } = await client.query<Record<string, unknown>>(sql)
    return rows
  })

/** Where it keeps its data; the folder above is its own. */
async function folderOf(url: string): Promise<string> {
  const [row] = (await query(url, 'show data_directory')) as { data_directory: string }[]
  return dirname(row?.data_directory ?? '')
}

describe('startPostgres', () => {
  it('is ready when it returns, keeps what was committed over a SIGKILL, and leaves neither process nor folder', async () => {
    const expectNoLeaks = leakCheck()
    const postgres = await startPostgres()
    const folder = await folderOf(postgres.url)
    expect(existsSync(folder)).toBe(true)
    const url = await postgres.createDatabase()
    await query(url, 'create table t as select 1 as n')
    await postgres.kill('SIGKILL')
    await expect(query(url, 'select 1')).rejects.toThrow('ECONNREFUSED')
    await postgres.restart()
    expect(await query(url, 'select n from t')).toEqual([{ n: 1 }])
    expect(await query(await postgres.createDatabase(), 'select to_regclass($$t$$) as t')).toEqual([
      { t: null },
    ])
    await postgres.stop()
    await postgres.stop()
    expect(existsSync(folder)).toBe(false)
    await expectNoLeaks()
  }, 60_000)

  it('a server that stands still answers nobody, not even on open connections, and goes on afterwards', async () => {
    const postgres = await startPostgres()
    const client = new Client({ connectionString: postgres.url })
    await client.connect()
    await postgres.kill('SIGSTOP')
    let hasAnswered = false
    const answer = client.query('select 1 as n').then(({ rows }) => {
      hasAnswered = true
      return rows as unknown[]
    })
    await expect(query(postgres.url, 'select 1')).rejects.toThrow('timeout')
    expect(hasAnswered).toBe(false)
    await postgres.kill('SIGCONT')
    expect(await answer).toEqual([{ n: 1 }])
    await client.end()
    await postgres.kill('SIGSTOP')
    await postgres.stop()
  }, 60_000)
})
