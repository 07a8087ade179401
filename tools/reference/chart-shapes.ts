/** What values of the charts may be. Their sentences stand in values.yaml; what natter.yaml holds comes from the apps' own schemas. */

export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: boolean | JsonSchema
  readonly propertyNames?: JsonSchema
  readonly items?: JsonSchema
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly minLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly required?: readonly string[]
  /** Not of the standard, and nowhere in what is written: what it describes is taken out. */
  readonly isSecret?: boolean
}

type Shape = Readonly<Record<string, JsonSchema>>

const text: JsonSchema = { type: 'string' }
const flag: JsonSchema = { type: 'boolean' }
const texts: JsonSchema = { type: 'array', items: text }
const whole = (minimum: number, maximum?: number): JsonSchema => ({
  type: 'integer',
  minimum,
  ...(maximum === undefined ? {} : { maximum }),
})
const oneOf = (...values: readonly unknown[]): JsonSchema => ({ enum: values })
const matching = (pattern: string): JsonSchema => ({ type: 'string', pattern })
const group = (properties: Shape, required?: readonly string[]): JsonSchema => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...(required === undefined ? {} : { required }),
})
const mapOf = (additionalProperties: JsonSchema): JsonSchema => ({ type: 'object', additionalProperties })
/** Kubernetes' own words: it refuses what is wrong in them. */
const object: JsonSchema = { type: 'object' }
const objects: JsonSchema = { type: 'array', items: object }

const port = whole(1, 65_535)
const quantity = matching(String.raw`^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$`)
const quantities = mapOf({ ...quantity, type: ['string', 'number'] })
const resources = group({ requests: quantities, limits: quantities })
const seconds = whole(1)
const labels = mapOf(text)
const variables: JsonSchema = {
  type: 'object',
  propertyNames: matching('^[A-Za-z_][A-Za-z0-9_]*$'),
  additionalProperties: { type: ['string', 'number', 'boolean'] },
}
const pullPolicy = oneOf('Always', 'IfNotPresent', 'Never')
const topologySpread = group({ enabled: flag, whenUnsatisfiable: oneOf('DoNotSchedule', 'ScheduleAnyway') })
const service = group({ type: oneOf('ClusterIP', 'LoadBalancer', 'NodePort'), port, annotations: labels })
/** `5s`, `250ms`: what the guard on the grace period can count. */
const shortDuration = matching(String.raw`^\d+(ms|s)$`)

const placement: Shape = { nodeSelector: labels, tolerations: objects }
const pods: Shape = {
  ...placement,
  podLabels: labels,
  podAnnotations: labels,
  affinity: object,
  priorityClassName: text,
  topologySpread,
  resources,
}
const ownImage: Shape = { image: text, env: variables }

const appShape: Shape = {
  ...pods,
  replicas: whole(0),
  command: texts,
  args: texts,
  env: variables,
  secretEnv: mapOf(group({ secret: text, key: text }, ['secret', 'key'])),
  files: mapOf(text),
  port: whole(0, 65_535),
  ingress: group({ host: text, path: matching('^/'), tlsSecretName: text }),
  readinessPath: text,
  livenessPath: text,
  terminationGracePeriodSeconds: seconds,
  preStopSeconds: whole(0),
  egress: objects,
}

/** All of the chart's own values but `config`. */
export const natterValues: Shape = {
  global: object,
  image: group({ prefix: { ...text, minLength: 1 }, tag: text, pullPolicy, pullSecrets: texts }),
  serviceAccount: group({ create: flag, annotations: labels }),
  tokens: group({
    existingSecret: text,
    key: matching('^[-._a-zA-Z0-9]+$'),
    previousKey: text,
    subscriptionKey: text,
    previousSubscriptionKey: text,
  }),
  api: group({
    existingSecret: text,
    key: matching('^[-._a-zA-Z0-9]+$'),
    previousKey: text,
    port: whole(1),
  }),
  gateway: group({
    ...pods,
    ...ownImage,
    replicas: whole(1),
    hookHeadersSecret: text,
    terminationGracePeriodSeconds: whole(10),
    drain: group({ delay: shortDuration, rate: whole(1) }),
    service,
    headlessService: group({ enabled: flag }),
    autoscaling: group({
      by: oneOf('none', 'hpa', 'keda'),
      minReplicas: whole(1),
      maxReplicas: whole(1),
      cpuPercent: whole(1, 100),
      connectionsPerPod: whole(0),
      prometheusAddress: text,
      scaleDownEverySeconds: whole(1, 1800),
      scaleDownAfterSeconds: whole(0, 3600),
    }),
  }),
  persistence: group({
    ...pods,
    ...ownImage,
    enabled: flag,
    replicas: whole(1),
    terminationGracePeriodSeconds: seconds,
  }),
  messenger: group({
    ...pods,
    ...ownImage,
    enabled: flag,
    replicas: whole(1),
    gateways: { type: 'array', items: matching('^wss?://') },
    terminationGracePeriodSeconds: seconds,
    preStopSeconds: whole(0),
    service,
  }),
  apps: {
    type: 'object',
    propertyNames: matching('^[a-z]([-a-z0-9]{0,12}[a-z0-9])?$'),
    additionalProperties: group({ ...appShape, image: { ...text, minLength: 1 } }, ['image']),
  },
  appDefaults: group(appShape),
  hooks: group({ enabled: flag, activeDeadlineSeconds: seconds, resources }),
  ingress: group({
    enabled: flag,
    className: text,
    host: text,
    tlsSecretName: text,
    timeoutSeconds: whole(40),
    annotations: labels,
  }),
  networkPolicy: group({ enabled: flag, clients: objects, backends: objects, monitoring: objects }),
  monitoring: group({
    podMonitor: group({ enabled: flag, interval: matching(String.raw`^\d+(ms|s|m)$`), labels }),
    prometheusRule: group({ enabled: flag, labels }),
  }),
  nats: object,
  externalNats: group({
    url: { type: 'string', pattern: String.raw`^$|^(nats|tls|ws|wss)://` },
    user: text,
    existingSecret: text,
    passwordKey: text,
    tokenKey: text,
    credsKey: text,
    ports: { type: 'array', items: port },
    peers: objects,
  }),
  postgres: object,
  externalPostgres: group({ existingSecret: text, urlKey: text, port, peers: objects }),
}

const serverImage = group({ reference: { ...text, minLength: 1 }, pullPolicy, pullSecrets: texts })
const storage = group({ size: quantity, className: text })
const size = matching(String.raw`^\d+(KB|MB|GB|TB|K|M|G|T)$`)

export const natsValues: Shape = {
  ...placement,
  global: object,
  enabled: flag,
  replicas: oneOf(1, 3, 5),
  prefix: matching('^[a-z0-9][a-z0-9_-]{0,31}$'),
  image: serverImage,
  existingSecret: text,
  serviceAccount: group({ create: flag }),
  onDifferentNodes: flag,
  jetstream: group({
    syncInterval: matching(String.raw`^(always|\d+(ms|s|m))$`),
    maxFileStore: size,
    maxMemoryStore: size,
  }),
  maxPayload: whole(65_536, 67_108_864),
  maxPending: size,
  storage,
  goMemLimit: text,
  resources,
  podLabels: labels,
  podAnnotations: labels,
  priorityClassName: text,
}

export const postgresValues: Shape = {
  ...placement,
  global: object,
  enabled: flag,
  image: serverImage,
  existingSecret: text,
  serviceAccount: group({ create: flag }),
  storage,
  resources,
}
