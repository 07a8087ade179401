import { describe, expect, it } from '@jest/globals'
import { readCommandLine } from './command-line.js'

const read = (line: string, env: Record<string, string> = {}) =>
  readCommandLine(
    line.split(' ').filter((word) => word !== ''),
    env,
    '/here',
  )

describe('the command line', () => {
  it('starts at 8000 in .natter when nothing is said', () => {
    expect(read('start')).toEqual({
      is: 'start',
      basePort: 8000,
      dataFolder: '/here/.natter',
      natsUrl: undefined,
      postgresEnv: undefined,
    })
  })

  it('hands on how Postgres is named, and not what is in the file, because that is a secret', () => {
    const url = { NATTER_POSTGRES_URL: 'postgres://mesh' }
    const file = { NATTER_POSTGRES_URL_FILE: '/run/secrets/postgres' }
    expect(read('start', { ...url, NATTER_POSTGRES_URL_FILE: '' })).toMatchObject({ postgresEnv: url })
    expect(read('dev', { ...file, NATTER_POSTGRES_URL: '' })).toMatchObject({ postgresEnv: file })
  })

  it('lets a flag win over the environment, because it was typed later', () => {
    expect(read('start', { NATTER_PORT: '9000' })).toMatchObject({ basePort: 9000 })
    expect(read('dev --port 9100', { NATTER_PORT: '9000' })).toMatchObject({ is: 'dev', basePort: 9100 })
  })

  it('takes an empty variable as unset, as shells write it', () => {
    expect(read('start', { NATTER_PORT: '', NATTER_NATS_URL: '' })).toMatchObject({
      basePort: 8000,
      natsUrl: undefined,
    })
  })

  it.each(['0', '-1', '65535', '8000x', '1e3'])(
    'refuses %s as a base port and says what it must be',
    (port) => {
      expect(read(`start --port=${port}`)).toMatchObject({
        is: 'mistake',
        sentence: expect.stringMatching(/port from 1 to/),
      })
    },
  )

  it('says which command and which option it does not know', () => {
    expect(read('strat')).toMatchObject({ is: 'mistake', sentence: expect.stringContaining('"strat"') })
    expect(read('start --prot 1')).toMatchObject({
      is: 'mistake',
      sentence: expect.stringContaining('--prot'),
    })
  })

  it('makes a project where npm was called, which is not where npm runs its scripts', () => {
    expect(read('new my-app', { INIT_CWD: '/there' })).toEqual({ is: 'new', folder: '/there/my-app' })
    expect(read('new ../my-app')).toEqual({ is: 'new', folder: '/my-app' })
    expect(read('new')).toMatchObject({ is: 'mistake', sentence: expect.stringContaining('one folder') })
  })

  it('forgets one app, in the mesh of this machine where no other is named', () => {
    expect(read('apps forget chat')).toEqual({ is: 'forget-app', app: 'chat', basePort: 8000 })
    const mistake = { is: 'mistake', sentence: expect.stringContaining('natter apps forget my-app') }
    for (const line of ['apps', 'apps forget', 'apps list', 'apps forget a b'])
      expect(read(line)).toMatchObject(mistake)
  })

  it('takes any free port for one more gateway, and wants to know the mesh it joins', () => {
    expect(read('dev gateway', { NATTER_NATS_URL: 'nats://mesh' })).toMatchObject({
      is: 'dev-gateway',
      port: undefined,
      natsUrl: 'nats://mesh',
    })
    expect(read('dev gateway')).toMatchObject({
      is: 'mistake',
      sentence: expect.stringContaining('NATTER_NATS_URL'),
    })
  })
})
