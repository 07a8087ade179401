import { PassThrough } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import { natter } from '../../test/natter.js'
import { parseLine } from '../cli/parse.js'
import { Terminal } from '../cli/terminal.js'
import { meshOptions } from './start.js'
import { commands } from './table.js'

function options(line: string, env: Record<string, string> = {}): object {
  const parsed = parseLine(commands, line.split(' '))
  if (parsed.is !== 'run') throw new Error(parsed.is)
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  const where = { cwd: '/there', workingFolder: '/here' }
  const terminal = new Terminal({
    isJson: false,
    env,
    ...where,
    ...streams,
    readStdin: () => Promise.resolve(''),
  })
  return meshOptions(parsed.given, terminal)
}

describe('a mesh on this machine', () => {
  it('is at 8000 in .natter of the repository when nothing is said', () => {
    expect(options('start')).toMatchObject({
      basePort: 8000,
      dataFolder: '/here/.natter',
      natsUrl: undefined,
      postgresEnv: undefined,
    })
  })

  it('hands on how Postgres is named, and not what is in the file, because that is a secret', () => {
    const url = { NATTER_POSTGRES_URL: 'postgres://mesh' }
    const file = { NATTER_POSTGRES_URL_FILE: '/run/secrets/postgres' }
    expect(options('start', { ...url, NATTER_POSTGRES_URL_FILE: '' })).toMatchObject({ postgresEnv: url })
    expect(options('dev', { ...file, NATTER_POSTGRES_URL: '' })).toMatchObject({ postgresEnv: file })
  })

  it('lets a flag win over the environment, because it was typed later', () => {
    expect(options('start', { NATTER_PORT: '9000', NATTER_DATA: '/data' })).toMatchObject({
      basePort: 9000,
      dataFolder: '/data',
    })
    const flags = 'dev --port 9100 --data /other'
    expect(options(flags, { NATTER_PORT: '9000', NATTER_DATA: '/data' })).toMatchObject({
      basePort: 9100,
      dataFolder: '/other',
    })
  })

  it('takes an empty variable as unset, as shells write it', () => {
    expect(options('start', { NATTER_PORT: '', NATTER_NATS_URL: '', NATTER_DATA: '' })).toMatchObject({
      basePort: 8000,
      natsUrl: undefined,
      dataFolder: '/here/.natter',
    })
  })

  it.each(['0', '-1', '65535', '8000x', '1e3'])(
    'refuses %s as a base port and says what it must be',
    (port) => {
      expect(() => options(`start --port=${port}`)).toThrow(/--port must be a port from 1 to/)
      expect(() => options('start', { NATTER_PORT: port })).toThrow(/NATTER_PORT must be a port from 1 to/)
    },
  )

  it('needs a mesh for one more gateway, and a folder for a project', async () => {
    const gateway = await natter(['dev', 'gateway'])
    expect(gateway).toMatchObject({ code: 2, err: expect.stringContaining('NATTER_NATS_URL') })
    expect(await natter(['new'])).toMatchObject({ code: 2, err: expect.stringContaining('<folder>') })
    const { code, err } = await natter(['new', 'My App', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'app-name' } })
  })
})
