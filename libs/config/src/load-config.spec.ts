import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { z } from 'zod'
import { defineConfig } from './config-definition.js'
import { loadConfig, type ConfigSources } from './load-config.js'
import { describeProblem } from './problem.js'
import { defineSection } from './section.js'
import { bytes } from './values/bytes.js'
import { duration } from './values/duration.js'
import { list } from './values/list.js'
import { port } from './values/port.js'
import { secret } from './values/secret.js'

const gateway = defineSection('gateway', 'Where clients connect.', {
  port: { schema: port(), example: '8001', doc: 'Port.', shown: true },
  ping_interval: { schema: duration(), default: '25s', example: '10s', doc: 'Ping.', shown: true },
  max_message: { schema: bytes(), default: '64KiB', example: '1MB', doc: 'Size.', shown: true },
  origins: { schema: list(), default: [], example: 'a,b', doc: 'Origins.', shown: true },
  insecure: { schema: z.boolean(), default: false, example: 'true', doc: 'Insecure.', shown: true },
})
const client = defineSection('client', 'Clients.', {
  secret_key: {
    schema: secret({ minLength: 8 }).optional(),
    example: 'keep-me-safe',
    doc: 'S.',
    shown: false,
  },
})
const channel = defineSection('channel', 'Channels.', {
  namespaces: {
    schema: z.array(z.strictObject({ name: z.string(), keep: z.enum(['none', 'stream']).optional() })),
    default: [],
    example: '[{"name":"chat"}]',
    doc: 'Namespaces.',
    shown: true,
  },
})
const definition = defineConfig({
  app: 'gateway',
  sections: [gateway, client, channel],
  foreignSections: ['messenger'],
})

function read(sources: Partial<Omit<ConfigSources, 'readFile'>> & { files?: Record<string, string> }) {
  const { argv = [], env = {}, files = {} } = sources
  const readFile = (path: string): string => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' })
    return text
  }
  return loadConfig(definition, { argv, env, readFile })
}

function configOf(loaded: ReturnType<typeof read>) {
  if (!loaded.ok) throw new Error(loaded.problems.map((problem) => describeProblem(problem)).join('\n'))
  return loaded.config
}

const problemsOf = (loaded: ReturnType<typeof read>): string[] =>
  loaded.ok ? [] : loaded.problems.map((problem) => describeProblem(problem))

describe('the value of a setting', () => {
  it('comes from the strongest source that gives one: flag, environment, file, default', () => {
    const source = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined })
    fc.assert(
      fc.property(source, source, source, fc.boolean(), (file, env, flag, isEqualsForm) => {
        const loaded = read({
          files: { '/n.yaml': file === undefined ? '' : `gateway:\n  ping_interval: ${file}` },
          env: {
            NATTER_CONFIG: '/n.yaml',
            NATTER_GATEWAY_PING_INTERVAL: env === undefined ? '' : `${env}ms`,
          },
          argv: [
            '--gateway.port=1',
            ...(flag === undefined
              ? []
              : isEqualsForm
                ? [`--gateway.ping_interval=${flag}`]
                : ['--gateway.ping_interval', String(flag)]),
          ],
        })
        const strongest = flag ?? env ?? file ?? 25_000
        expect(configOf(loaded).gateway.ping_interval).toBe(strongest)
        const from =
          flag === undefined
            ? env === undefined
              ? file === undefined
                ? 'default'
                : 'file'
              : 'env'
            : 'flag'
        expect(loaded.ok && loaded.origins['gateway.ping_interval']?.from).toBe(from)
      }),
    )
  })

  it('is taken whole: a list is never merged from two sources', () => {
    const files = { '/n.json': '{"gateway": {"port": 1, "origins": ["a", "b"]}}' }
    expect(configOf(read({ files, env: { NATTER_CONFIG: '/n.json' } })).gateway.origins).toEqual(['a', 'b'])
    const env = { NATTER_CONFIG: '/n.json', NATTER_GATEWAY_ORIGINS: 'c' }
    expect(configOf(read({ files, env })).gateway.origins).toEqual(['c'])
  })

  it('reads the same from file, environment and flags', () => {
    const env = {
      NATTER_GATEWAY_PORT: '8001',
      NATTER_GATEWAY_MAX_MESSAGE: '1MB',
      NATTER_GATEWAY_INSECURE: 'true',
      NATTER_CHANNEL_NAMESPACES: '[{"name":"chat","keep":"stream"}]',
    }
    const yaml = [
      'gateway: { port: 8001, max_message: 1MB, insecure: true }',
      'channel:',
      '  namespaces:',
      '    - name: chat',
      '      keep: stream',
    ].join('\n')
    const argv = ['--gateway.port', '8001', '--gateway.insecure', '--gateway.max_message=1000000']
    const fromEnv = configOf(read({ env }))
    expect(configOf(read({ argv: ['--config', 'n.yaml'], files: { 'n.yaml': yaml } }))).toEqual(fromEnv)
    expect(
      configOf(read({ argv: [...argv, '--channel.namespaces', env.NATTER_CHANNEL_NAMESPACES] })),
    ).toEqual(fromEnv)
    expect(fromEnv.gateway.max_message).toBe(1_000_000)
  })

  it('is frozen, and so is everything in it', () => {
    const config = configOf(read({ argv: ['--gateway.port=1', '--channel.namespaces=[{"name":"chat"}]'] }))
    expect(Object.isFrozen(config.gateway)).toBe(true)
    expect(() => Object.assign(config.channel.namespaces[0] ?? {}, { name: 'x' })).toThrow(TypeError)
  })

  it('leaves what is unset undefined, and the definition untouched', () => {
    expect(configOf(read({ argv: ['--gateway.port=1'] })).client.secret_key).toBeUndefined()
    expect(configOf(read({ argv: ['--gateway.port=2', '--gateway.origins=x'] })).gateway.origins).toEqual([
      'x',
    ])
    expect(configOf(read({ argv: ['--gateway.port=2'] })).gateway.origins).toEqual([])
  })
})

describe('a secret', () => {
  const variable = 'NATTER_CLIENT_SECRET_KEY'

  it('can come from a file that a variable names, less the line feed that editors put at its end', () => {
    const loaded = read({
      argv: ['--gateway.port=1'],
      env: { [`${variable}_FILE`]: '/run/secrets/key' },
      files: { '/run/secrets/key': 'hunter2hunter2\n' },
    })
    expect(configOf(loaded).client.secret_key).toBe('hunter2hunter2')
    expect(loaded.ok && loaded.origins['client.secret_key']).toEqual({
      from: 'env',
      name: `${variable}_FILE`,
    })
  })

  it('is a problem if its file is missing, even where the secret is optional: somebody meant to have one', () => {
    expect(problemsOf(read({ argv: ['--gateway.port=1'], env: { [`${variable}_FILE`]: '/nope' } }))).toEqual([
      `client.secret_key can't be read: ${variable}_FILE names /nope, but there is no such file. For example ${variable}=keep-me-safe`,
    ])
  })

  it('is a problem if its file is empty: a volume that was not filled must not pass as no secret at all', () => {
    for (const content of ['', '\n'])
      expect(
        problemsOf(
          read({ argv: ['--gateway.port=1'], env: { [`${variable}_FILE`]: '/k' }, files: { '/k': content } }),
        ),
      ).toEqual([
        `client.secret_key can't be read: ${variable}_FILE names /k, and that is empty. For example ${variable}=keep-me-safe`,
      ])
  })

  it('is a problem if it is given in both ways: one of them is stale', () => {
    const env = { [variable]: 'hunter2hunter2', [`${variable}_FILE`]: '/k' }
    expect(problemsOf(read({ argv: ['--gateway.port=1'], env, files: { '/k': 'other' } }))[0]).toContain(
      'given twice',
    )
  })
})

describe('problems', () => {
  it('come all at once, from every source, each with key, variable and example', () => {
    const loaded = read({
      argv: ['--gateway.max_message', 'huge', '--gatewy.port=5', 'stray', '--gateway.insecure=maybe'],
      env: { NATTER_CONFIG: 'n.yaml', NATTER_GATEWAY_PING_INTERVAL: 'soon', NATTER_GATEWAY_PRT: '5' },
      files: {
        'n.yaml':
          'gateway:\n  prot: 1\nchanel: {}\nclient: 5\nmessenger: {}\nchannel:\n  namespaces: [{ nam: x, keep: all }]\n',
      },
    })
    expect(problemsOf(loaded)).toEqual([
      'There is no flag --gatewy.port. Did you mean --gateway.port?',
      'Argument 4 is not a flag; flags are written --section.key value.',
      'There is no NATTER_GATEWAY_PRT. Did you mean NATTER_GATEWAY_PORT?',
      'There is no setting gateway.prot (in n.yaml). Did you mean gateway.port?',
      'There is no section chanel (in n.yaml). Did you mean channel?',
      'client in n.yaml must be a section with keys below it.',
      'gateway.port is missing; it must be a port from 1 to 65535, or 0 for any free one. For example NATTER_GATEWAY_PORT=8001',
      'gateway.ping_interval must be a duration such as 250ms, 25s, 10m or 1h30m; NATTER_GATEWAY_PING_INTERVAL says "soon". For example NATTER_GATEWAY_PING_INTERVAL=10s',
      'gateway.max_message must be a size such as 64KiB, 1MB or 1GiB; --gateway.max_message says "huge". For example NATTER_GATEWAY_MAX_MESSAGE=1MB',
      'gateway.insecure must be true or false; --gateway.insecure says "maybe". For example NATTER_GATEWAY_INSECURE=true',
      `channel.namespaces[0].name is wrong: expected string, received undefined; see n.yaml. For example NATTER_CHANNEL_NAMESPACES='[{"name":"chat"}]'`,
      `channel.namespaces[0].keep is wrong: expected one of "none"|"stream"; see n.yaml. For example NATTER_CHANNEL_NAMESPACES='[{"name":"chat"}]'`,
      `channel.namespaces[0] has no key nam; see n.yaml. Did you mean name? For example NATTER_CHANNEL_NAMESPACES='[{"name":"chat"}]'`,
    ])
    expect(!loaded.ok && loaded.problems[7]).toMatchObject({
      key: 'gateway.ping_interval',
      env: 'NATTER_GATEWAY_PING_INTERVAL',
      example: '10s',
    })
  })

  it('name a file that was asked for and is not there', () => {
    const sentence = "The configuration file /n.yaml can't be read: there is no such file."
    expect(problemsOf(read({ argv: ['--gateway.port=1', '--config', '/n.yaml'] }))).toEqual([sentence])
    expect(problemsOf(read({ argv: ['--gateway.port=1'], env: { NATTER_CONFIG: '/n.yaml' } }))).toEqual([
      sentence,
    ])
  })

  it("don't come from other apps' variables and sections, however many there are", () => {
    const env = {
      NATTER_MESSENGER_PORT: '1',
      NATTER_PORT: '1',
      NATTER_DATA: 'x',
      NATTER_SUPERVISED: '1',
      NATTER_OPS_HOST: 'x',
    }
    expect(problemsOf(read({ argv: ['--gateway.port=1'], env }))).toEqual([])
  })

  it.each([
    ['NATTER_CLIENT_ALOW', 'There is no NATTER_CLIENT_ALOW: client has no setting alow.'],
    [
      'NATTER_GATEWAY_ORIGIN_LIST',
      'There is no NATTER_GATEWAY_ORIGIN_LIST: gateway has no setting origin_list. Did you mean NATTER_GATEWAY_ORIGINS?',
    ],
    ['NATTER_GATEWAY_PORT_FILE', 'There is no NATTER_GATEWAY_PORT_FILE: gateway has no setting port_file.'],
    ['NATTER_GATWAY_SOMETHING', 'There is no NATTER_GATWAY_SOMETHING. Did you mean NATTER_GATEWAY_…?'],
    ['NATTER_MESENGER_PORT', 'There is no NATTER_MESENGER_PORT. Did you mean NATTER_MESSENGER_…?'],
    ['NATTER_MESSANGER_NAME', 'There is no NATTER_MESSANGER_NAME. Did you mean NATTER_MESSENGER_…?'],
  ])('name %s: what is set and has no effect is found out too late', (name, message) => {
    expect(problemsOf(read({ argv: ['--gateway.port=1'], env: { [name]: '1' } }))).toEqual([message])
  })

  it("don't come from variables that resemble nothing of Natter, nor from what Kubernetes tells of its services", () => {
    const env = {
      NATTER_TEAM: 'chat',
      NATTER_FAULT_SEED: '1',
      NATTER_GATEWAY_SERVICE_HOST: '10.0.0.1',
      NATTER_GATEWAY_SERVICE_PORT_HTTP: '80',
      NATTER_CLIENT_PORT: 'tcp://10.0.0.1:80',
      NATTER_CLIENT_PORT_80_TCP_ADDR: '10.0.0.1',
    }
    expect(problemsOf(read({ argv: ['--gateway.port=1'], env }))).toEqual([])
  })

  it('tell a missing setting once, also if its flag stands there without a value', () => {
    expect(problemsOf(read({ argv: ['--gateway.port'] }))).toEqual([
      'The flag --gateway.port needs a value. For example NATTER_GATEWAY_PORT=8001',
    ])
  })

  it('of several settings together come when each of them is fine', () => {
    const checked = defineConfig({
      app: 'x',
      sections: [gateway],
      check: (config) =>
        config.gateway.port === 1 ? [{ key: 'gateway.port', message: 'must not be 1 here' }] : [],
    })
    const sources = { env: {}, readFile: () => '' }
    expect(loadConfig(checked, { ...sources, argv: ['--gateway.port=2'] }).ok).toBe(true)
    expect(loadConfig(checked, { ...sources, argv: ['--gateway.port=1'] })).toMatchObject({
      problems: [{ message: 'gateway.port must not be 1 here.', env: 'NATTER_GATEWAY_PORT' }],
    })
  })
})
