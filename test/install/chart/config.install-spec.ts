import { loadConfig, type ConfigDefinition } from '@natter/config'
import { expect, it } from '@jest/globals'
import { gatewayConfig } from '../../../apps/gateway/src/config/gateway.config.js'
import { provisionConfig } from '../../../apps/gateway/src/config/provision.config.js'
import { messengerConfig } from '../../../apps/messenger/src/messenger.config.js'
import { migrateConfig } from '../../../apps/persistence/src/config/migrate.config.js'
import { persistenceConfig } from '../../../apps/persistence/src/config/persistence.config.js'
import { metricTables } from '../../../tools/reference/declarations.js'
import { textsOf, type Manifest } from '../cluster/manifests.js'
import { describeWithHelm, find, namespace, render, rendering, renderingNames } from './renderings.js'
import { specsOf, workload, workloadsOf, type FullContainer } from './workloads.js'

const definitions: Readonly<Record<string, ConfigDefinition>> = {
  gateway: gatewayConfig,
  persistence: persistenceConfig,
  messenger: messengerConfig,
  provision: provisionConfig,
  migrate: migrateConfig,
}

/** Of containers of ours, with the ConfigMap that they read. */
function ownContainers(manifests: readonly Manifest[]) {
  return workloadsOf(manifests).flatMap(({ pod, containers }) =>
    containers.flatMap((container) => {
      const definition = definitions[container.name]
      if (definition === undefined) return []
      const configMap = pod.volumes?.find(({ name }) => name === 'config')?.configMap?.name ?? ''
      const file = textsOf(find(manifests, 'ConfigMap', configMap))['natter.yaml'] ?? ''
      return [{ name: container.name, container, definition, file }]
    }),
  )
}

/** As the process would have it. What comes from a Secret is a text that any secret may be. */
function environmentOf({ env = [] }: FullContainer): Record<string, string> {
  const secret = 'postgres://somebody:of-enough-characters@somewhere/here'
  return Object.fromEntries(env.map(({ name, value }) => [name, value ?? secret]))
}

function load({ container, definition, file }: ReturnType<typeof ownContainers>[number]) {
  const readFile = (path: string) => {
    if (path !== '/etc/natter/natter.yaml') throw new Error(`${path} is not mounted`)
    return file
  }
  return loadConfig(definition, { argv: [], env: environmentOf(container), readFile })
}

describeWithHelm('what an app is told', () => {
  it.each(renderingNames)('with %s is a configuration that it starts with', (name) => {
    const containers = ownContainers(rendering(name))
    for (const one of containers)
      expect([one.name, load(one)]).toEqual([one.name, expect.objectContaining({ ok: true })])
    expect(containers.map((one) => one.name)).toContain('gateway')
  })

  it.each(renderingNames)(
    'with %s are settings that it has: another one’s would be passed over in silence',
    (name) => {
      for (const { name: app, container, definition } of ownContainers(rendering(name))) {
        const known = new Set(['NATTER_CONFIG', ...definition.settings.map(({ env }) => env)])
        const foreign = (container.env ?? [])
          .map((one) => one.name)
          .filter((variable) => !known.has(variable))
        expect([app, foreign]).toEqual([app, []])
        const given = (container.env ?? []).map((one) => one.name)
        expect([app, given]).toEqual([app, [...new Set(given)]])
      }
    },
  )

  it.each(renderingNames)(
    'with %s holds what config says: the environment overrules no key of it',
    (name) => {
      for (const { container, definition, file } of ownContainers(rendering(name))) {
        const variables = new Set((container.env ?? []).map((one) => one.name))
        if (name === 'everything' || name === 'long-name') variables.delete('NATTER_LOG_LEVEL') // asked for
        const overruled = definition.settings.filter(
          ({ env, section, key }) =>
            variables.has(env) && new RegExp(`^${section}:(\n .*)*\n {2}${key}:`, 'm').test(file),
        )
        expect(overruled.map(({ path }) => path)).toEqual([])
      }
    },
  )

  it('waits for NATS for minutes, not ready and alive, because pods start in any order', () => {
    for (const { container } of ownContainers(rendering('everything')).filter(
      ({ name }) => name !== 'migrate',
    ))
      expect(environmentOf(container)).toHaveProperty('NATTER_NATS_CONNECT_TIMEOUT', '5m')
  })

  it('keeps three copies on three servers without being told, and one on one', () => {
    const replicas = (manifests: readonly Manifest[]) =>
      ownContainers(manifests).map((one) => {
        const loaded = load(one)
        return loaded.ok ? loaded.config['nats']?.['replicas'] : loaded.problems
      })
    expect(new Set(replicas(rendering('defaults')))).toEqual(new Set([3]))
    expect(new Set(replicas(rendering('test')))).toEqual(new Set([1]))
    expect(new Set(replicas(render({ values: { config: { nats: { replicas: 2 } } } })))).toEqual(new Set([2]))
  })

  it('lets pages of the ingress in without being told, and where others were named only those', () => {
    const originsOf = (values: object) => {
      const [gateway] = ownContainers(render({ values }))
        .filter(({ name }) => name === 'gateway')
        .map(load)
      return gateway?.ok === true ? gateway.config['client']?.['allowed_origins'] : gateway?.problems
    }
    const ingress = { enabled: true, host: 'natter.example.com' }
    expect(originsOf({ ingress })).toEqual(['http://natter.example.com'])
    expect(originsOf({ ingress: { ...ingress, tlsSecretName: 'x' } })).toEqual(['https://natter.example.com'])
    const client = { allowed_origins: ['https://app.example.com'] }
    expect(originsOf({ ingress, config: { client } })).toEqual(['https://app.example.com'])
    expect(originsOf({})).toEqual([])
  })

  it('makes streams refuse where there is an archive, though no gateway knows where Postgres is', () => {
    const gatewayEnv = (name: 'defaults' | 'bare' | 'external') =>
      environmentOf(
        workload(rendering(name), 'Deployment natter-gateway').containers[0] ?? { name: '', image: '' },
      )
    for (const name of ['defaults', 'external'] as const) {
      expect(gatewayEnv(name)).toHaveProperty('NATTER_NATS_ON_FULL', 'refuse')
      expect(gatewayEnv(name)).not.toHaveProperty('NATTER_POSTGRES_URL')
    }
    expect(gatewayEnv('bare')).not.toHaveProperty('NATTER_NATS_ON_FULL')
  })
})

describeWithHelm('a secret', () => {
  it.each(renderingNames)('with %s is in a Secret alone: in no ConfigMap, argument or variable', (name) => {
    const manifests = rendering(name)
    const secrets = manifests
      .filter(({ kind }) => kind === 'Secret')
      .flatMap((one) => Object.values(textsOf(one)))
    const others = JSON.stringify(manifests.filter(({ kind }) => kind !== 'Secret'))
    expect(secrets.filter((secret) => others.includes(secret))).toEqual([])
    for (const { container } of ownContainers(manifests)) {
      const written = (container.env ?? []).filter(
        ({ name: variable, value }) =>
          /PASSWORD|SECRET|TOKEN|POSTGRES_URL/.test(variable) && value !== undefined,
      )
      expect(written).toEqual([])
    }
  })

  it('is long, and another one in each release: there is no default to be left in place', () => {
    const secretsOf = () =>
      render()
        .filter(({ kind }) => kind === 'Secret')
        .flatMap((one) => Object.entries(textsOf(one)).map(([key, value]) => ({ key, value })))
    const [first, second] = [secretsOf(), secretsOf()]
    expect(first.length).toBe(8)
    for (const [index, { value }] of first.entries()) {
      expect(value.length).toBeGreaterThanOrEqual(32)
      expect(value).not.toBe(second[index]?.value)
    }
  })

  it('of NATS begins with a letter, because nats-server takes digits for a number', () => {
    for (let turn = 0; turn < 3; turn += 1)
      for (const value of Object.values(textsOf(find(render(), 'Secret', 'natter-nats'))))
        expect(value).toMatch(/^[a-z]/)
  })

  it('that the data knows is kept by an uninstall', () => {
    for (const name of ['natter-postgres', 'natter-tokens'])
      expect(find(rendering('defaults'), 'Secret', name).metadata.annotations).toEqual({
        'helm.sh/resource-policy': 'keep',
      })
  })

  it('is nobody’s who doesn’t need it', () => {
    const taken = Object.fromEntries(
      workloadsOf(rendering('everything')).map(({ name, containers }) => [
        name.replace(/^\w+ natter-/, ''),
        containers.flatMap(({ env = [] }) =>
          env.flatMap(({ valueFrom }) =>
            valueFrom?.secretKeyRef === undefined
              ? []
              : [`${valueFrom.secretKeyRef.name}/${valueFrom.secretKeyRef.key}`],
          ),
        ),
      ]),
    )
    const tokens = ['my-tokens/now', 'my-tokens/before', 'my-tokens/subs']
    expect(taken).toEqual({
      gateway: ['natter-nats/gateway-password', ...tokens],
      persistence: ['natter-nats/persistence-password', 'natter-postgres/url'],
      messenger: ['natter-nats/app-password', 'my-tokens/now'],
      'app-shop': ['natter-nats/app-password', 'shop/key'],
      'app-worker-of-shop': ['natter-nats/app-password'],
      provision: ['natter-nats/gateway-password'],
      migrate: ['natter-postgres/url'],
      nats: ['gateway', 'persistence', 'app', 'route', 'system'].map(
        (user) => `natter-nats/${user}-password`,
      ),
      postgres: ['natter-postgres/password'],
    })
  })
})

describeWithHelm('alerts and queries', () => {
  const known = new Set(
    metricTables.flatMap(({ table }) =>
      Object.values(table).flatMap(({ name, type }) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
    ),
  )

  it('ask for metrics and labels that there are', () => {
    const rules = specsOf(rendering('everything'), 'PrometheusRule').flatMap(({ spec }) =>
      spec.groups.flatMap((group) => group.rules),
    )
    const labelsOf = new Map(
      metricTables.flatMap(({ table }) =>
        Object.values(table).map(
          ({ name, labels = [] }) => [name, ['pod', 'le', 'job', 'namespace', ...labels]] as const,
        ),
      ),
    )
    expect(rules.length).toBeGreaterThan(10)
    for (const { alert, expr } of rules) {
      const names = expr.match(/natter_\w+/g) ?? []
      expect([alert, names.filter((name) => !known.has(name))]).toEqual([alert, []])
      expect(expr).toContain(`{job="${namespace}/natter-monitor"`)
      const [, by = ''] = /\bby \(([\w, ]+)\)/.exec(expr) ?? []
      for (const label of by.split(', ').filter((one) => one !== ''))
        expect([alert, labelsOf.get((names[0] ?? '').replace(/_bucket$/, ''))]).toEqual([
          alert,
          expect.arrayContaining([label]),
        ])
    }
  })

  it('of KEDA counts the connections of this release’s gateways, also of one that was not scraped for a moment', () => {
    const [scaled] = specsOf(rendering('production'), 'ScaledObject')
    const query = scaled?.spec.triggers.find(({ type }) => type === 'prometheus')?.metadata.query
    expect(query).toBe(
      `sum(max_over_time(natter_gateway_connections{namespace="${namespace}", pod=~"natter-gateway-.+"}[3m]))`,
    )
    expect(known).toContain('natter_gateway_connections')
  })
})
