import { expect, it } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { problemsOf } from './models.js'
import {
  chartFolder,
  describeWithHelm,
  find,
  helmFile,
  nameOf,
  refusalOf,
  render,
  rendering,
  renderingNames,
} from './renderings.js'

const stages = ['values.yaml', 'values-test.yaml', 'values-staging.yaml', 'values-production.yaml']

describeWithHelm('the chart', () => {
  it.each(stages)('passes helm lint --strict with %s', (file) => {
    const args = ['lint', '--strict', chartFolder, '--values', `${chartFolder}/${file}`]
    expect(execFileSync(helmFile(), args, { encoding: 'utf8' })).toContain('0 chart(s) failed')
  })

  it.each(renderingNames)(
    'renders with %s what Kubernetes, KEDA and the Prometheus operator know, each object and each field',
    async (name) => {
      const manifests = rendering(name)
      const problems: string[] = []
      for (const one of manifests)
        problems.push(...(await problemsOf(one)).map((problem) => `${nameOf(one)}: ${problem}`))
      expect(problems).toEqual([])
      expect(manifests.length).toBeGreaterThan(5)
    },
  )

  it('takes every example of its page in docs as values', () => {
    const page = readFileSync(`${chartFolder}/../../docs/operations/kubernetes.md`, 'utf8')
    const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
      ([, text = '']) => parse(text) as object,
    )
    expect(examples.length).toBeGreaterThan(2)
    for (const values of examples) expect(render({ values }).length).toBeGreaterThan(10)
  })

  it('is held to fields that exist: one that is misspelt is found at any depth, and so is an unknown kind', async () => {
    const broken = structuredClone(find(rendering('test'), 'Deployment', 'natter-gateway'))
    const { containers } = (broken.spec as { template: { spec: { containers: object[] } } }).template.spec
    Object.assign(containers[0] ?? {}, { readynessProbe: {}, resources: { limit: {} } })
    Object.assign(broken.spec as object, { replica: 2 })
    expect(await problemsOf(broken)).toEqual([
      'Deployment.spec.template.spec.containers.0.resources has no field limit',
      'Deployment.spec.template.spec.containers.0 has no field readynessProbe',
      'Deployment.spec has no field replica',
    ])
    expect(await problemsOf({ ...broken, kind: 'Deployments' })).toEqual([
      'there is no Deployments in apps/v1',
    ])
  })

  it('is held to the types of fields', async () => {
    const broken = structuredClone(find(rendering('test'), 'Service', 'natter-gateway'))
    Object.assign((broken.spec as { ports: object[] }).ports[0] ?? {}, { port: 'eighty' })
    expect(await problemsOf(broken)).toEqual([expect.stringContaining('port')])
  })
})

describeWithHelm('a value that is wrong', () => {
  it.each([
    [{ gateway: { replica: 3 } }, "'/gateway'", "'replica' not allowed"],
    [{ gateway: { replicas: '3' } }, "'/gateway/replicas'", 'got string, want integer'],
    [{ config: { client: { ping_intervall: '25s' } } }, "'/config/client'", "'ping_intervall' not allowed"],
    [
      { config: { client: { ping_interval: '25 seconds' } } },
      "'/config/client/ping_interval'",
      'does not match',
    ],
    [{ config: { nats: { stream_max_bytes: 'big' } } }, "'/config/nats/stream_max_bytes'", 'does not match'],
    [
      { config: { channel: { namespaces: [{ name: 'chat', keeps: 'stream' }] } } },
      "namespaces/0'",
      "'keeps'",
    ],
    [{ nats: { replicas: 2 } }, "'/replicas'", 'one of 1, 3, 5'],
    [{ apps: { shop: { replicas: 1 } } }, "'/apps/shop'", "missing property 'image'"],
    [{ apps: { 'my shop': { image: 'x' } } }, "'my shop'", ''],
  ])('is refused by name: %j', (values, where, why) => {
    const refusal = refusalOf(values)
    expect(refusal).toContain(where)
    expect(refusal).toContain(why)
  })

  it.each([
    'client.token_hmac_secret_key',
    'nats.password',
    'nats.token',
    'postgres.url',
    'messenger.token_secret',
  ])('is refused where it is a secret in config, because a ConfigMap holds none: %s', (path) => {
    const [section = '', key = ''] = path.split('.')
    expect(refusalOf({ config: { [section]: { [key]: 'postgres://a-secret-of-some-length' } } })).toMatch(
      new RegExp(`'(${section}|${key})' not allowed`),
    )
  })
})

describeWithHelm('values that contradict each other', () => {
  const noPostgres = { postgres: { enabled: false } }
  const keda = { by: 'keda', prometheusAddress: 'http://prometheus:9090' }

  it.each([
    ['no NATS at all', { nats: { enabled: false } }, 'set nats.enabled: true, or externalNats.url'],
    ['two NATS', { externalNats: { url: 'nats://x:4222' } }, 'set nats.enabled: false'],
    ['persistence without Postgres', noPostgres, 'postgres.enabled: true or externalPostgres.existingSecret'],
    [
      'an archive that nobody writes',
      {
        ...noPostgres,
        persistence: { enabled: false },
        config: { channel: { namespaces: [{ name: 'chat', keep: 'archive' }] } },
      },
      'The namespace chat is archived, and nobody writes the archive',
    ],
    [
      'an archive that nobody writes, said by size and time',
      {
        persistence: { enabled: false },
        config: { channel: { without_namespace: { history_size: 10, history_ttl: '1h' } } },
      },
      'of channels without one is archived',
    ],
    ['two Postgres', { externalPostgres: { existingSecret: 'x' } }, 'set postgres.enabled: false'],
    [
      'a drain that only waits',
      { gateway: { drain: { delay: '58s' } } },
      'raise gateway.terminationGracePeriodSeconds (60) or lower the delay',
    ],
    [
      'KEDA without Prometheus',
      { gateway: { autoscaling: { by: 'keda' } } },
      'set gateway.autoscaling.prometheusAddress',
    ],
    [
      'KEDA without a number of connections',
      { gateway: { autoscaling: { ...keda, connectionsPerPod: 0 } } },
      'set gateway.autoscaling.connectionsPerPod',
    ],
    [
      'a lower bound above the upper one',
      { gateway: { autoscaling: { ...keda, minReplicas: 9, maxReplicas: 3 } } },
      'lower the first or raise the second',
    ],
    ['permissions for another prefix', { config: { nats: { prefix: 'other' } } }, 'make both the same'],
    ['more copies than servers', { config: { nats: { replicas: 5 } } }, 'raise the second'],
    ['an ingress without a name', { ingress: { enabled: true } }, 'set ingress.host'],
    ['a page that reaches no gateway', { messenger: { enabled: true } }, 'set messenger.gateways'],
    ['another key nowhere', { tokens: { subscriptionKey: 'subs' } }, 'tokens.existingSecret'],
    ['a second key nowhere', { tokens: { previousKey: 'old' } }, 'tokens.existingSecret'],
    [
      'a key of NATS nowhere',
      { nats: { enabled: false }, externalNats: { url: 'nats://x:4222', passwordKey: 'p' } },
      'set externalNats.existingSecret',
    ],
    [
      'a Secret of NATS of which nothing is read',
      { nats: { enabled: false }, externalNats: { url: 'nats://x:4222', existingSecret: 's' } },
      'set externalNats.passwordKey, tokenKey or credsKey',
    ],
    [
      'a password of nobody',
      {
        nats: { enabled: false },
        externalNats: { url: 'nats://x:4222', existingSecret: 's', passwordKey: 'p' },
      },
      'set externalNats.user',
    ],
    [
      'an address in place of a name',
      { ingress: { enabled: true, host: 'https://a.b' } },
      'ingress.host is https://a.b: write the name alone',
    ],
    [
      'an app’s address in place of its name',
      { apps: { shop: { image: 'x', port: 80, ingress: { host: 'a.b/shop' } } } },
      'apps.shop.ingress.host is a.b/shop: write the name alone',
    ],
    [
      'a variable that is there already',
      { gateway: { env: { NATTER_DRAIN_DEADLINE: '1h' } } },
      'gateway.env.NATTER_DRAIN_DEADLINE is set by the chart itself',
    ],
    [
      'an app reached from outside at no port',
      { apps: { shop: { image: 'x', ingress: { host: 'a.b' } } } },
      'set apps.shop.port',
    ],
    [
      'an app that only waits',
      { apps: { shop: { image: 'x', preStopSeconds: 30 } } },
      'raise apps.shop.terminationGracePeriodSeconds',
    ],
    [
      'alerts about nothing',
      { monitoring: { prometheusRule: { enabled: true } } },
      'set monitoring.podMonitor.enabled',
    ],
  ])('are refused with what to do next: %s', (_, values, next) => {
    expect(refusalOf(values)).toContain(next)
  })

  it.each(['1st', 'na.tter'])('are no names of releases: a Service can’t be called %s', (release) => {
    expect(() => render({ release })).toThrow('a letter first')
  })
})
