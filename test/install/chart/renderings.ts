/**
 * The chart as Helm renders it, with values of every kind: what the laws are asked of. Each is rendered once.
 *
 * Where there is no Helm and no Go to build it, these tests are skipped, and their names say why.
 */
import { describe } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { obtainHelm } from '../../../tools/helm.mjs'
import { chartIn, renderChart } from '../cluster/chart.js'
import type { Manifest } from '../cluster/manifests.js'

const repo = join(import.meta.dirname, '../../..')
export const chartFolder = chartIn(repo)
export const namespace = 'mesh'

const helm = await obtainHelm((line) => process.stderr.write(`${line}\n`))

/** A `describe` of tests that need Helm. */
export const describeWithHelm =
  helm === null
    ? (name: string, tests: () => void) =>
        describe.skip(`${name} (skipped: no helm here, and no Go to build it)`, tests)
    : describe

export function helmFile(): string {
  if (helm === null) throw new Error('asked for helm where there is none')
  return helm
}

export interface Wish {
  readonly release?: string
  readonly valuesFiles?: readonly string[]
  readonly values?: object
  /** Of `helm template`. */
  readonly flags?: readonly string[]
  /** Default: the chart's folder. */
  readonly chart?: string
}

export function render({
  release = 'natter',
  valuesFiles = [],
  values = {},
  flags = [],
  chart = chartFolder,
}: Wish = {}): Manifest[] {
  return renderChart({ helm: helmFile(), chart, release, namespace, valuesFiles, values, flags })
}

/** Why Helm refuses to render. @throws Error where it doesn't. */
export function refusalOf(values: object, valuesFiles: readonly string[] = []): string {
  try {
    render({ values, valuesFiles })
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr)
  }
  throw new Error(`Helm rendered ${JSON.stringify(values)}`)
}

/** The repository's own natter.yaml, without its anonymous clients. */
const { channel } = parse(readFileSync(join(repo, 'natter.yaml'), 'utf8')) as { channel: object }

/** Everything that can be switched on. */
const everything = {
  config: {
    channel,
    log: { level: 'debug' },
    client: { ping_interval: '20s' },
    nats: { stream_max_bytes: '2GiB' },
  },
  image: { prefix: 'registry.example.com/natter', tag: 'abc123', pullSecrets: ['registry'] },
  tokens: { existingSecret: 'my-tokens', key: 'now', previousKey: 'before', subscriptionKey: 'subs' },
  gateway: {
    env: { NATTER_LOG_LEVEL: 'info' },
    headlessService: { enabled: true },
    autoscaling: { by: 'hpa', minReplicas: 2, maxReplicas: 5 },
    nodeSelector: { pool: 'edge' },
    tolerations: [{ key: 'edge', operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
    priorityClassName: 'high',
    podLabels: { team: 'chat' },
    podAnnotations: { note: 'x' },
    service: { type: 'LoadBalancer', annotations: { cloud: 'y' } },
  },
  persistence: { replicas: 2 },
  messenger: { enabled: true, replicas: 2 },
  apps: {
    shop: {
      image: 'registry.example.com/shop:1',
      port: 3000,
      livenessPath: '/alive',
      ingress: { host: 'shop.example.com', tlsSecretName: 'shop-tls' },
      files: { 'shop.yaml': 'greeting: hello\n' },
      env: { SHOP_MODE: 'live' },
      secretEnv: { SHOP_KEY: { secret: 'shop', key: 'key' } },
      egress: [{ ports: [{ port: 443 }] }],
    },
    'worker-of-shop': {
      image: 'registry.example.com/worker:1',
      replicas: 1,
      command: ['node'],
      args: ['worker.js'],
    },
  },
  ingress: {
    enabled: true,
    host: 'natter.example.com',
    tlsSecretName: 'natter-tls',
    annotations: { own: 'z' },
  },
  networkPolicy: {
    clients: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } }],
  },
  monitoring: {
    podMonitor: { enabled: true, labels: { release: 'prometheus' } },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
  },
}

/** Servers of somebody else's. */
const external = {
  config: { channel: { namespaces: [{ name: 'chat', keep: 'archive' }] } },
  messenger: { enabled: true, gateways: ['wss://example.com/connection/websocket'] },
  apps: { shop: { image: 'shop:1' } },
  nats: { enabled: false },
  externalNats: {
    url: 'tls://nats-1.example.com:4222,tls://nats-2.example.com:4222',
    user: 'natter',
    existingSecret: 'my-nats',
    passwordKey: 'password',
    credsKey: 'creds',
    peers: [{ ipBlock: { cidr: '10.0.0.0/24' } }],
  },
  postgres: { enabled: false },
  externalPostgres: { existingSecret: 'my-postgres', urlKey: 'dsn', port: 6432 },
}

/** Everything off that can be. */
const bare = {
  serviceAccount: { create: false },
  gateway: { replicas: 1, drain: { delay: '0s' }, topologySpread: { enabled: false } },
  persistence: { enabled: false },
  hooks: { enabled: false },
  networkPolicy: { enabled: false },
  nats: { replicas: 1, serviceAccount: { create: false }, existingSecret: 'my-nats' },
  postgres: { enabled: false },
}

const wishes = {
  defaults: {},
  test: { valuesFiles: ['values-test.yaml'] },
  staging: { valuesFiles: ['values-staging.yaml'] },
  production: { valuesFiles: ['values-production.yaml'] },
  everything: { values: everything },
  external: { values: external },
  bare: { values: bare },
  // as long as Helm allows
  'long-name': { values: everything, release: 'a-release-with-a-name-of-fifty-three-characters-in-it' },
} satisfies Record<string, Wish>

export type RenderingName = keyof typeof wishes
export const renderingNames = Object.keys(wishes) as RenderingName[]

const renderings = new Map<RenderingName, Manifest[]>()

export function rendering(name: RenderingName): Manifest[] {
  const known = renderings.get(name)
  if (known !== undefined) return known
  const fresh = render(wishes[name])
  renderings.set(name, fresh)
  return fresh
}

/** `Deployment natter-gateway`. */
export const nameOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`

export function find(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name)
  if (found === undefined) throw new Error(`no ${kind} ${name} among ${manifests.map(nameOf).join(', ')}`)
  return found
}
