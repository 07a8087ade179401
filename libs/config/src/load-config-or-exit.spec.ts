import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parse } from 'yaml'
import { defineConfig } from './config-definition.js'
import { configExitCode, loadConfigOrExit } from './load-config-or-exit.js'
import type { Host } from './process-host.js'
import { defineSection } from './section.js'
import { logSection } from './sections/log.js'
import { opsSection } from './sections/ops.js'
import { list } from './values/list.js'
import { secret } from './values/secret.js'

const client = defineSection('client', 'Clients.', {
  secret_key: { schema: secret({ minLength: 8 }), example: 'keep-me-safe', doc: 'Signs.', shown: false },
  internal_name: {
    schema: list(),
    default: [],
    example: 'a',
    doc: 'Nobody said that it may be shown.',
    shown: false,
  },
})
const nats = defineSection('nats', 'NATS.', {
  url: {
    schema: list(),
    default: ['nats://127.0.0.1:4222'],
    example: 'nats://h:4222',
    doc: 'Where.',
    shown: true,
  },
})
const definition = defineConfig({ app: 'gateway', sections: [client, nats, opsSection, logSection] })

class Exit extends Error {}

function run(sources: Partial<Pick<Host, 'argv' | 'env' | 'readFile'>>) {
  const said = {
    out: '',
    error: '',
    code: undefined as number | undefined,
    config: undefined as unknown,
    title: '',
  }
  const host: Host = {
    argv: [],
    env: {},
    readFile: () => '',
    ...sources,
    print: (text) => void (said.out += text),
    printError: (text) => void (said.error += text),
    showAs: (title) => void (said.title = title),
    exit: (code) => {
      said.code = code
      throw new Exit()
    },
  }
  try {
    said.config = loadConfigOrExit(definition, host)
  } catch (error) {
    if (!(error instanceof Exit)) throw error
  }
  return said
}

const secretEnv = { NATTER_CLIENT_SECRET_KEY: 'hunter2hunter2' }

describe('main', () => {
  it('gets its configuration and nothing is printed', () => {
    const { config, out, error } = run({ env: secretEnv })
    expect(config).toMatchObject({
      client: { secret_key: 'hunter2hunter2' },
      ops: { host: '127.0.0.1', port: 0 },
    })
    expect(out + error).toBe('')
  })

  it('ends with 78 and all problems on stderr: restarting it would not help', () => {
    const { code, error, out } = run({ env: { NATTER_OPS_PORT: '70000', NATTER_LOG_LEVEL: 'loud' } })
    expect(code).toBe(configExitCode)
    expect(out).toBe('')
    expect(error).toBe(
      [
        "gateway can't start: 3 problems in its configuration.",
        '  - client.secret_key is missing; it must be a secret of at least 8 characters. For example NATTER_CLIENT_SECRET_KEY=keep-me-safe',
        '  - ops.port must be a port from 1 to 65535, or 0 for any free one; NATTER_OPS_PORT says 70000. For example NATTER_OPS_PORT=8011',
        '  - log.level must be one of error, warn, info, debug; NATTER_LOG_LEVEL says "loud". For example NATTER_LOG_LEVEL=debug',
        '  All settings: --help',
        '',
      ].join('\n'),
    )
  })

  it('prints help, also if the configuration is broken: that is when one looks for it', () => {
    const { code, out } = run({ argv: ['--help', '--nonsense'] })
    expect(code).toBe(0)
    expect(out).toContain('--ops.port   (NATTER_OPS_PORT)')
    expect(out).toContain('Default: 127.0.0.1')
    expect(out).toContain('Required, for example keep-me-safe')
  })

  it('prints what is in effect as YAML, each value with where it comes from', () => {
    const { code, out } = run({
      argv: ['--print-config', '--ops.port', '9'],
      env: { ...secretEnv, NATTER_NATS_URL: 'nats://me:hunter2@a:4222', NATTER_CONFIG: 'n.yaml' },
      readFile: () => 'log:\n  level: debug\n',
    })
    expect(code).toBe(0)
    expect(parse(out)).toEqual({
      client: { secret_key: '(hidden)', internal_name: '(hidden)' },
      nats: { url: 'nats://(hidden)@a:4222' },
      ops: { host: '127.0.0.1', port: 9 },
      log: { level: 'debug' },
    })
    const origins = [...out.matchAll(/^ {2}(\w+): .* # (.*)$/gm)].map(([, key, origin]) => [key, origin])
    expect(Object.fromEntries(origins)).toEqual({
      secret_key: 'env NATTER_CLIENT_SECRET_KEY',
      internal_name: 'default',
      url: 'env NATTER_NATS_URL',
      host: 'default',
      port: 'flag --ops.port',
      level: 'file n.yaml',
    })
  })
})

describe('the arguments of a process', () => {
  const secretFlags: readonly (readonly [what: string, argv: string[]])[] = [
    ['a secret', ['--client.secret_key', 'hunter2hunter2']],
    ['a secret behind =', ['--client.secret_key=hunter2hunter2']],
    ['a password in an address', ['--client.secret_key', 'x', '--nats.url=nats://me:hunter2@h']],
  ]

  it.each(secretFlags)('are not shown to everybody where they hold %s', (_, argv) => {
    expect(run({ argv }).title).toBe('natter gateway')
  })

  it('are left as they are where they hold none', () => {
    expect(run({ argv: ['--ops.port', '9'], env: secretEnv }).title).toBe('')
  })
})

describe('a planted secret', () => {
  const planted = 'hUnTeR2-pLaNtEd'
  const decorated = fc
    .tuple(
      fc.constantFrom('', '--', '-', '"', '[', '{', '@', '://', '\n', ' '),
      fc.constantFrom('', '@', '"', ']', ' x', '\n'),
    )
    .map(([before, after]) => `${before}${planted}${after}`)
  const places: Record<string, (value: string) => Partial<Pick<Host, 'argv' | 'env' | 'readFile'>>> = {
    variable: (value) => ({ env: { NATTER_CLIENT_SECRET_KEY: value } }),
    'hidden list': (value) => ({ env: { ...secretEnv, NATTER_CLIENT_INTERNAL_NAME: value } }),
    'misspelt variable': (value) => ({ env: { NATTER_CLIENT_SECRET_KEYS: value } }),
    'flag with equals': (value) => ({ argv: [`--client.secret_key=${value}`] }),
    flag: (value) => ({ argv: ['--client.secret_key', value] }),
    'misspelt flag with equals': (value) => ({ argv: [`--client.secret_kee=${value}`] }),
    'secret file': (value) => ({ env: { NATTER_CLIENT_SECRET_KEY_FILE: '/k' }, readFile: () => value }),
    'password in an address': (value) => ({
      env: { ...secretEnv, NATTER_NATS_URL: `nats://me:${encodeURIComponent(value)}@h` },
    }),
    'file, as it comes': (value) => ({
      env: { NATTER_CONFIG: 'n' },
      readFile: () => `client:\n  secret_key: ${value}\n`,
    }),
    'file, with the wrong key': (value) => ({
      env: { NATTER_CONFIG: 'n' },
      readFile: () => JSON.stringify({ client: { secret: value } }),
    }),
    'file, in a wrong shape': (value) => ({
      env: { NATTER_CONFIG: 'n' },
      readFile: () => JSON.stringify({ client: { secret_key: [value] } }),
    }),
    'file, as a section': (value) => ({
      env: { NATTER_CONFIG: 'n' },
      readFile: () => JSON.stringify({ client: value }),
    }),
  }

  it.each(Object.entries(places))(
    'as %s appears neither in problems nor in what is in effect',
    (_, place) => {
      fc.assert(
        fc.property(decorated, fc.boolean(), (value, isPrinted) => {
          const sources = place(value)
          const { out, error } = run({
            ...sources,
            argv: [...(isPrinted ? ['--print-config'] : []), ...(sources.argv ?? [])],
          })
          expect(out + error).not.toMatch(/hunter2-planted/i)
        }),
        { numRuns: 200 },
      )
    },
  )
})
