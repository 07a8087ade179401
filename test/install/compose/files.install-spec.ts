/** The compose files as they stand: nothing is started here. */
import { describe, expect, it } from '@jest/globals'
import { loadConfig, type ConfigDefinition } from '@natter/config'
import { Ajv } from 'ajv'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gatewayConfig } from '../../../apps/gateway/src/config/gateway.config.js'
import { provisionConfig } from '../../../apps/gateway/src/config/provision.config.js'
import { messengerConfig } from '../../../apps/messenger/src/messenger.config.js'
import { migrateConfig } from '../../../apps/persistence/src/config/migrate.config.js'
import { persistenceConfig } from '../../../apps/persistence/src/config/persistence.config.js'
import { readComposeFile, readProject, repo, type Service } from './compose-file.js'

const variables = { SECRETS_FOLDER: './deploy/compose/secrets' }
const [base, override, nats3, dev] = [
  'docker-compose.yml',
  'docker-compose.override.yml',
  'docker-compose.nats3.yml',
  'docker-compose.dev.yml',
] as const
/** As they are used, each with what Swarm gets or with what compose adds. */
const combinations = [
  [base],
  [base, nats3],
  [base, override],
  [base, override, nats3],
  [base, override, dev],
  [base, override, nats3, dev],
]
const forServers = combinations.filter((files) => !files.includes(dev))
const named = (all: readonly (readonly string[])[]) =>
  all.map((files) => ({ name: files.join(' + '), files }))
const services = (files: readonly string[]): [string, Service][] =>
  Object.entries(readProject(files, variables).services)

const schema = JSON.parse(
  readFileSync(join(repo, 'node_modules/dclint/schemas/compose.schema.json'), 'utf8'),
) as object
const isValid = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile({
  ...schema,
  $schema: 'http://json-schema.org/draft-07/schema',
})

/** In ms, of `1m`, `30s`. */
function msOf(text: string): number {
  const [, count = '', unit = ''] = /^(\d+)(s|m)$/.exec(text) ?? []
  return Number(count) * (unit === 'm' ? 60_000 : 1_000)
}

describe('the compose files', () => {
  it.each(named([[base], [override], [nats3], [dev]]))(
    'is alone what the specification says: $name',
    ({ name }) => {
      isValid(readComposeFile(name, variables))
      expect(isValid.errors ?? []).toEqual([])
    },
  )

  it.each(named(combinations))('are together what the specification says: $name', ({ files }) => {
    isValid(readProject(files, variables))
    expect(isValid.errors ?? []).toEqual([])
  })

  it('are refused by the schema where they have a key that is none, so the law above can fail', () => {
    expect(isValid({ services: { a: { image: 'x', volume: ['y'] } } })).toBe(false)
  })

  it.each(named(forServers))(
    'start nothing that may change by itself: every image has its version ($name)',
    ({ files }) => {
      const { version } = JSON.parse(readFileSync(join(repo, 'package.json'), 'utf8')) as { version: string }
      for (const [name, { image }] of services(files)) {
        expect([name, image]).toEqual([name, expect.stringMatching(/^[a-z/]+:\d+\.\d+[\w.-]*$/)])
        if (image.startsWith('natter/')) expect(image.split(':')[1]).toBe(version)
      }
    },
  )

  it.each(named(forServers))('let no container do more than it needs ($name)', ({ files }) => {
    for (const [name, service] of services(files)) {
      const { read_only, cap_drop, security_opt, tmpfs, privileged, logging, deploy } = service
      expect({ name, read_only, cap_drop, security_opt, privileged }).toEqual({
        name,
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        privileged: undefined,
      })
      expect(tmpfs).toContain('/tmp')
      expect(logging).toMatchObject({ options: { 'max-size': '10m', 'max-file': '3' } })
      expect(deploy?.resources?.limits).toMatchObject({
        memory: expect.any(String),
        pids: expect.any(Number),
      })
    }
  })

  it.each(named(forServers))(
    'publish nginx, and the admin page to this machine alone ($name)',
    ({ files }) => {
      const published = services(files).flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]))
      const admin = files.includes(override) ? [['admin', '127.0.0.1:8081:8080']] : []
      expect(published).toEqual([['nginx', '8080:8080'], ...admin])
      const { networks } = readProject(files, variables)
      for (const [name, service] of services(files)) {
        const own = Array.isArray(service.networks) ? service.networks : Object.keys(service.networks ?? {})
        const open = own.filter((network) => networks[network]?.internal !== true)
        expect([name, open]).toEqual([name, { nginx: ['outside'], admin: ['admin'] }[name] ?? []])
      }
    },
  )

  it.each(named(forServers))(
    'let each service reach those that it needs, with its own passwords, and keep what it stores ($name)',
    ({ files }) => {
      const of = (all: unknown): string[] =>
        (Array.isArray(all) ? (all as string[]) : Object.keys(all ?? {})).toSorted()
      const found = services(files).map(([name, { networks, secrets, volumes }]) => [
        name,
        { networks: of(networks), secrets: of(secrets), volumes: of(volumes) },
      ])
      const isThree = files.includes(nats3)
      const natsSecrets = isThree ? ['nats_cluster', 'nats_users'] : ['nats_users']
      const server = (name: string) => ({
        networks: ['back'],
        secrets: natsSecrets,
        volumes: [`${name}:/data`],
      })
      const app = (networks: string[], secrets: string[]) => ({ networks, secrets, volumes: [] })
      expect(Object.fromEntries(found)).toEqual({
        nginx: app(['front', 'outside'], []),
        gateway: app(['back', 'front'], ['nats_gateway', 'token_key']),
        persistence: app(['back', 'data'], ['nats_persistence', 'postgres_url']),
        messenger: app(['back', 'front'], ['nats_app', 'token_key']),
        provision: app(['back'], ['nats_gateway']),
        migrate: app(['data'], ['postgres_url']),
        nats: server('nats'),
        postgres: {
          networks: ['data'],
          secrets: ['postgres_password'],
          volumes: ['postgres:/var/lib/postgresql'], // of the image from 18 on
        },
        ...(isThree ? { 'nats-2': server('nats-2'), 'nats-3': server('nats-3') } : {}),
        ...(files.includes(override) ? { admin: app(['admin', 'data'], []) } : {}),
      })
    },
  )

  it.each(named(forServers))(
    'run nginx and Postgres as a user that is not root, and our images as theirs ($name)',
    ({ files }) => {
      const users = services(files).map(([name, { user }]) => [name, user])
      const others = users.filter(([, user]) => user !== undefined)
      expect(Object.fromEntries(others)).toEqual({ nginx: '101:101', postgres: '999:999' })
    },
  )

  it.each(named(forServers))(
    'ask every service that stays whether it is well, and start again what ended ($name)',
    ({ files }) => {
      for (const [name, { healthcheck, deploy }] of services(files)) {
        const ends = name === 'provision' || name === 'migrate'
        expect([name, healthcheck?.disable ?? false]).toEqual([name, ends])
        if (!ends) expect(healthcheck?.test?.[0]).toBe('CMD')
        expect([name, deploy?.restart_policy?.condition]).toEqual([name, ends ? 'on-failure' : 'any'])
      }
    },
  )

  it.each(named(forServers))(
    'ask what a service says of itself, not whether it could be asked ($name)',
    ({ files }) => {
      const words = (name: string): string =>
        (readProject(files, variables).services[name]?.healthcheck?.test ?? []).join(' ')
      const asks: Record<string, RegExp> = {
        nginx: /^CMD wget .* http:\/\/127\.0\.0\.1:8080\/healthz$/,
        gateway: /127\.0\.0\.1:9000\/health\/.*is\('ready'\).*is\('live'\)/,
        persistence: /127\.0\.0\.1:9000\/health\/.*is\('ready'\).*is\('live'\)/,
        messenger: /127\.0\.0\.1:9000\/health\/.*is\('ready'\).*is\('live'\)/,
        nats: /^CMD wget .* http:\/\/127\.0\.0\.1:8222\/healthz\?js-enabled-only=true$/,
        // by TCP: while it sets itself up, the image's Postgres answers at its socket alone
        postgres: /^CMD pg_isready -h 127\.0\.0\.1 -U natter -d natter$/,
      }
      for (const [name, pattern] of Object.entries(asks))
        expect([name, words(name)]).toEqual([name, expect.stringMatching(pattern)])
      for (const name of files.includes(nats3) ? ['nats-2', 'nats-3'] : [])
        expect(words(name)).toBe(words('nats'))
    },
  )

  it('start in an order with compose: nobody before what it needs has ended well or is well', () => {
    const before = services([base, override]).map(([name, { depends_on = {} }]) => [
      name,
      Object.fromEntries(Object.entries(depends_on).map(([other, { condition }]) => [other, condition])),
    ])
    const [done, well] = ['service_completed_successfully', 'service_healthy']
    expect(Object.fromEntries(before)).toEqual({
      nginx: { gateway: well, messenger: well },
      gateway: { provision: done },
      persistence: { provision: done, migrate: done },
      messenger: { provision: done },
      provision: { nats: well },
      migrate: { postgres: well },
      nats: {},
      postgres: {},
      admin: {},
    })
  })

  it('hold in Swarm: no key that its loader refuses, nothing that depends on an order or on one folder', () => {
    const top = new Set(['services', 'networks', 'volumes', 'configs', 'secrets'])
    const known = new Set(
      (
        'build cap_drop command configs deploy entrypoint environment healthcheck hostname image init logging networks ports ' +
        'read_only secrets security_opt stop_grace_period tmpfs ulimits user volumes'
      ).split(' '),
    )
    for (const file of [base, nats3]) {
      const read = readComposeFile(file, variables) as { services: Record<string, Service> }
      expect(Object.keys(read).filter((key) => !top.has(key))).toEqual([])
      for (const service of Object.values(read.services)) {
        expect(Object.keys(service).filter((key) => !known.has(key))).toEqual([])
        expect((service.ports ?? []).filter((port) => port.split(':').length !== 2)).toEqual([])
        expect((service.volumes ?? []).filter((volume) => /^[./]/.test(volume))).toEqual([])
      }
    }
    for (const [name, { volumes = [], deploy }] of services([base, nats3]))
      if (volumes.length > 0)
        expect([name, deploy]).toMatchObject([name, { placement: { constraints: [expect.any(String)] } }])
  })

  it('replace gateways one by one, the new one first', () => {
    const { gateway } = readProject([base], variables).services
    expect(gateway?.deploy).toMatchObject({
      replicas: 2,
      update_config: { order: 'start-first', parallelism: 1 },
    })
    expect(readProject([base], { ...variables, GATEWAYS: '5' }).services['gateway']?.deploy?.replicas).toBe(5)
  })
})

interface AppService {
  name: string
  definition: ConfigDefinition
}

const apps: readonly AppService[] = [
  { name: 'gateway', definition: gatewayConfig },
  { name: 'provision', definition: provisionConfig },
  { name: 'persistence', definition: persistenceConfig },
  { name: 'migrate', definition: migrateConfig },
  { name: 'messenger', definition: messengerConfig },
]

/** What the container would read there. */
function fileIn(
  { services: all, configs }: ReturnType<typeof readProject>,
  name: string,
  path: string,
): string {
  const service = all[name]
  const secret = service?.secrets?.find((candidate) => path === `/run/secrets/${candidate}`)
  if (secret === 'postgres_url') return 'postgres://natter:x@postgres:5432/natter'
  if (secret !== undefined) return 'a text of sixteen characters and more'
  const config = service?.configs?.find(({ target }) => target === path)
  if (config === undefined) throw new Error(`${path} is not mounted into ${name}`)
  return readFileSync(join(repo, configs[config.source]?.file ?? ''), 'utf8')
}

/** The configuration that the app has in its container. */
function configOf(files: readonly string[], name: string): Record<string, Record<string, unknown>> {
  const project = readProject(files, variables)
  const { definition } = apps.find((app) => app.name === name) ?? {}
  if (definition === undefined) throw new Error(`no app ${name}`)
  const env = Object.fromEntries(
    Object.entries(project.services[name]?.environment ?? {}).map(([key, value]) => [key, String(value)]),
  )
  const loaded = loadConfig(definition, { argv: [], env, readFile: (path) => fileIn(project, name, path) })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2))
  return loaded.config
}

describe('the apps in the compose files', () => {
  it.each(combinations.flatMap((files) => apps.map(({ name }) => ({ name, files: files.join(' ') }))))(
    '$name reads its settings, natter.yaml and secrets without a problem: $files',
    ({ name, files }) => {
      expect(Object.keys(configOf(files.split(' '), name))).toContain('nats')
    },
  )

  it.each(apps)('$name is given only variables that are settings of it', ({ name, definition }) => {
    const settings = definition.settings.flatMap(({ env, envFile }) => [env, envFile])
    const known = new Set(['NATTER_CONFIG', ...settings])
    const given = Object.keys(readProject([base, nats3], variables).services[name]?.environment ?? {})
    expect(given.filter((variable) => !known.has(variable))).toEqual([])
  })

  it('creators of streams agree on what they are like, because who comes first decides', () => {
    for (const files of forServers) {
      const shapes = ['gateway', 'provision', 'persistence'].map((name) => {
        const { nats } = configOf(files, name)
        return JSON.stringify([nats?.['url'], nats?.['streams'], nats?.['replicas'], nats?.['prefix']])
      })
      expect(new Set(shapes).size).toBe(1)
    }
  })

  it('wait for NATS and Postgres for minutes, because Swarm knows no order', () => {
    for (const name of ['gateway', 'provision', 'persistence', 'messenger'])
      expect(Number(configOf([base], name)['nats']?.['connect_timeout'])).toBeGreaterThanOrEqual(300_000)
    expect(Number(configOf([base], 'migrate')['postgres']?.['connect_timeout'])).toBeGreaterThanOrEqual(
      300_000,
    )
  })

  it('gateways are not told where the archive is, and still refuse instead of forgetting', () => {
    const { gateway } = readProject([base], variables).services
    expect(gateway?.secrets).toEqual(['nats_gateway', 'token_key'])
    expect(configOf([base], 'gateway')).toMatchObject({ nats: { on_full: 'refuse' } })
  })

  it('nobody comes in without a token, though the natter.yaml of a laptop lets them', () => {
    expect(readFileSync(join(repo, 'natter.yaml'), 'utf8')).toContain('allow_anonymous: true')
    expect(configOf([base], 'gateway')).toMatchObject({ client: { allow_anonymous: false } })
  })

  it('a gateway has drained before it would be killed', () => {
    const { gateway } = readProject([base], variables).services
    const { drain } = configOf([base], 'gateway')
    expect(Number(drain?.['deadline'])).toBeLessThan(msOf(gateway?.stop_grace_period ?? ''))
  })
})

describe('the configuration of nginx and NATS', () => {
  const nginx = readFileSync(join(repo, 'deploy/nginx/nginx.conf'), 'utf8')

  it('nginx keeps a socket for longer than a gateway keeps a silent client', () => {
    const { client } = configOf([base], 'gateway')
    const silentMs = Number(client?.['ping_interval']) + Number(client?.['pong_timeout'])
    const [, location = ''] = /location \/connection\/ \{([\s\S]*?)\n {4}\}/.exec(nginx) ?? []
    for (const name of ['proxy_read_timeout', 'proxy_send_timeout']) {
      const [, text = ''] = new RegExp(`${name} (\\w+);`).exec(location) ?? []
      expect([name, msOf(text)]).toEqual([name, expect.any(Number)])
      expect(msOf(text)).toBeGreaterThan(silentMs * 2)
    }
  })

  it.each(['nats.conf', 'cluster.conf'])('%s takes messages as large as the streams do', (file) => {
    const text = readFileSync(join(repo, 'deploy/nats', file), 'utf8')
    expect(text).toMatch(/^max_payload: 1048576\b/m)
    const { client } = configOf([base], 'gateway')
    expect(Number(client?.['max_message_size'])).toBeLessThan(1_048_576)
  })

  it('three copies are on disk before they are acknowledged, one copy each second', () => {
    const text = (file: string): string => readFileSync(join(repo, 'deploy/nats', file), 'utf8')
    expect(text('nats.conf')).toMatch(/^ {2}sync_interval: 1s$/m)
    expect(text('cluster.conf')).toMatch(/^ {2}sync_interval: always$/m)
    expect(configOf([base, nats3], 'gateway')).toMatchObject({ nats: { replicas: 3 } })
  })
})
