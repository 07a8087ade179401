/** A value that no template reads would be set in vain, and nobody would be told: a drain without its delay, a Secret's key that isn't the one. */
import { expect, it } from '@jest/globals'
import { charts, chartValues } from '../../../tools/reference/chart-values.js'
import { describeWithHelm, render } from './renderings.js'

type Values = Readonly<Record<string, unknown>>

/** Nothing in it is made by chance. */
const fixed: Values = {
  tokens: { existingSecret: 'x' },
  nats: { existingSecret: 'x' },
  postgres: { existingSecret: 'x' },
}
const messenger = { enabled: true, gateways: ['ws://x/'] }
const keda = { by: 'keda', prometheusAddress: 'http://x' }
const inUse = {
  url: 'nats://x',
  user: 'x',
  existingSecret: 'x',
  passwordKey: 'p',
  tokenKey: 't',
  credsKey: 'c',
}

/** Where a value counts that doesn't everywhere: by the longest beginning of its path. */
const circumstances: Readonly<Record<string, Values>> = {
  '': {},
  'gateway.autoscaling': { gateway: { autoscaling: { by: 'hpa' } } },
  'gateway.autoscaling.by': {},
  'gateway.autoscaling.prometheusAddress': { gateway: { autoscaling: keda } },
  api: { api: { existingSecret: 'x' } },
  'api.existingSecret': {},
  'networkPolicy.backends': { api: { existingSecret: 'x' } },
  messenger: { messenger },
  'messenger.enabled': { messenger: { gateways: messenger.gateways } },
  appDefaults: { apps: { shop: { image: 'x', port: 80, ingress: { host: 'a.b' } } } },
  'appDefaults.port': { apps: { shop: { image: 'x' } } },
  'appDefaults.ingress.host': { apps: { shop: { image: 'x', port: 80 } } },
  ingress: { ingress: { enabled: true, host: 'a.b' } },
  'ingress.enabled': { ingress: { host: 'a.b' } },
  monitoring: { monitoring: { podMonitor: { enabled: true }, prometheusRule: { enabled: true } } },
  'monitoring.podMonitor.enabled': {},
  'monitoring.prometheusRule.enabled': { monitoring: { podMonitor: { enabled: true } } },
  externalNats: { nats: { enabled: false }, externalNats: inUse },
  externalPostgres: { postgres: { enabled: false }, externalPostgres: { existingSecret: 'x' } },
  'postgres.enabled': { persistence: { enabled: false } },
}

/** Another value, where it isn't just any of its type. */
const others: Readonly<Record<string, unknown>> = {
  'config.channel': { namespaces: [{ name: 'chat' }] },
  'gateway.drain.delay': '7s',
  'gateway.autoscaling.by': 'hpa',
  'nats.replicas': 5,
  'externalNats.url': 'nats://y',
  'tokens.previousKey': 'before',
  'tokens.subscriptionKey': 'subs',
  'tokens.previousSubscriptionKey': 'subs-before',
  'nats.prefix': undefined, // with config.nats.prefix alone
  'nats.enabled': undefined, // `external` of the other laws
}
const othersByName: Readonly<Record<string, unknown>> = {
  pullPolicy: 'Always',
  pullSecrets: ['other'],
  type: 'NodePort',
  whenUnsatisfiable: 'DoNotSchedule',
  resources: { requests: { cpu: '9', memory: '9Gi' }, limits: { memory: '9Gi' } },
  tolerations: [{ key: 'other', operator: 'Exists' }],
  affinity: { podAntiAffinity: {} },
  secretEnv: { OTHER: { secret: 'a', key: 'b' } },
  egress: [{ ports: [{ port: 1 }] }],
  ports: [4223],
  peers: [{ podSelector: {} }],
  clients: [{ podSelector: {} }],
  backends: [{ podSelector: {} }],
  monitoring: [{ podSelector: {} }],
  gateways: ['ws://y/'],
  command: ['other'],
  args: ['other'],
  apps: { other: { image: 'x' } },
  interval: '9s',
  syncInterval: '9s',
  maxFileStore: '9GB',
  maxMemoryStore: '9MB',
  maxPending: '9MB',
  size: '9Gi',
  goMemLimit: '9MiB',
  path: '/other',
  readinessPath: '/other',
  livenessPath: '/other',
}

function otherThan(path: string, value: unknown): unknown {
  if (path in others) return others[path]
  const name = path.slice(path.lastIndexOf('.') + 1)
  if (name in othersByName) return othersByName[name]
  if (typeof value === 'boolean') return !value
  if (typeof value === 'number') return value + 1
  return typeof value === 'string' ? 'other' : { other: 'other' }
}

const isMap = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function merged(one: Values, other: Values): Values {
  const all = Object.entries(other).map(([key, value]) => {
    const own = one[key]
    return [key, isMap(own) && isMap(value) ? merged(own, value) : value] as const
  })
  return { ...one, ...Object.fromEntries(all) }
}

const nested = (path: string, value: unknown): Values =>
  path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Values

function around(path: string): Values {
  const beginnings = Object.keys(circumstances).filter(
    (one) => one === '' || path === one || path.startsWith(`${one}.`),
  )
  const [longest = ''] = beginnings.toSorted((a, b) => b.length - a.length)
  return merged(fixed, circumstances[longest] ?? {})
}

describeWithHelm('a value', () => {
  const before = new Map<string, string>()
  const rendered = (values: Values): string => JSON.stringify(render({ values }))
  const renderedOnce = (values: Values): string => {
    const key = JSON.stringify(values)
    const text = before.get(key) ?? rendered(values)
    before.set(key, text)
    return text
  }

  it.each(charts)(
    'of $folder does something, each',
    ({ folder, prefix }) => {
      const idle: string[] = []
      let tried = 0
      for (const one of chartValues(folder).filter(({ isGroup }) => !isGroup)) {
        const path = `${prefix}${one.path}`
        const other = otherThan(path, one.default)
        if (other === undefined) continue
        const values = around(path)
        tried += 1
        if (rendered(merged(values, nested(path, other))) === renderedOnce(values)) idle.push(path)
      }
      expect(idle).toEqual([])
      expect(tried).toBeGreaterThan(5)
    },
    120_000,
  )
})
