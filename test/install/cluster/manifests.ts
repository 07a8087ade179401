/** Of rendered manifests what a cluster needs to run them. Only fields that are read here are named. */
import { parseAllDocuments } from 'yaml'

export interface Manifest {
  kind: string
  metadata: Metadata
  spec?: unknown
  data?: Record<string, string>
  stringData?: Record<string, string>
}

export interface Metadata {
  name: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

export interface Deployment extends Manifest {
  spec: {
    replicas?: number
    minReadySeconds?: number
    progressDeadlineSeconds?: number
    strategy?: {
      type?: 'RollingUpdate' | 'Recreate'
      rollingUpdate?: { maxSurge?: number | string; maxUnavailable?: number | string }
    }
    template: PodTemplate
  }
}

export interface StatefulSet extends Manifest {
  spec: {
    replicas?: number
    serviceName?: string
    podManagementPolicy?: 'OrderedReady' | 'Parallel'
    template: PodTemplate
    volumeClaimTemplates?: { metadata: Metadata }[]
  }
}

export interface Job extends Manifest {
  spec: { template: PodTemplate; backoffLimit?: number; activeDeadlineSeconds?: number }
}

export interface Service extends Manifest {
  spec: {
    clusterIP?: string
    selector?: Record<string, string>
    publishNotReadyAddresses?: boolean
    ports: { name?: string; port: number; targetPort?: number | string }[]
  }
}

export interface PodTemplate {
  metadata?: Partial<Metadata>
  spec: PodSpec
}

export interface PodSpec {
  restartPolicy?: 'Always' | 'OnFailure' | 'Never'
  terminationGracePeriodSeconds?: number
  enableServiceLinks?: boolean
  securityContext?: SecurityContext
  initContainers?: ContainerSpec[]
  containers: ContainerSpec[]
  volumes?: VolumeSpec[]
}

interface SecurityContext {
  runAsUser?: number
  runAsGroup?: number
}

export interface ContainerSpec {
  name: string
  image: string
  command?: string[]
  args?: string[]
  env?: EnvVariable[]
  envFrom?: { prefix?: string; configMapRef?: Reference; secretRef?: Reference }[]
  ports?: { name?: string; containerPort: number }[]
  readinessProbe?: ProbeSpec
  livenessProbe?: ProbeSpec
  startupProbe?: ProbeSpec
  lifecycle?: { preStop?: ActionSpec }
  volumeMounts?: { name: string; mountPath: string; subPath?: string }[]
  securityContext?: SecurityContext
}

export interface Reference {
  name: string
  optional?: boolean
}

export interface KeyReference extends Reference {
  key: string
}

export interface EnvVariable {
  name: string
  value?: string
  valueFrom?: {
    configMapKeyRef?: KeyReference
    secretKeyRef?: KeyReference
    fieldRef?: { fieldPath: string }
    resourceFieldRef?: unknown
  }
}

/** What a kubelet can do to a container: ask, or do something before its end. */
export interface ActionSpec {
  httpGet?: { path?: string; port: number | string; host?: string }
  tcpSocket?: { port: number | string }
  exec?: { command: string[] }
  sleep?: { seconds: number }
}

export interface ProbeSpec extends ActionSpec {
  initialDelaySeconds?: number
  periodSeconds?: number
  timeoutSeconds?: number
  failureThreshold?: number
  successThreshold?: number
}

interface KeyToPath {
  key: string
  path: string
}

export interface VolumeSpec {
  name: string
  emptyDir?: object
  configMap?: Reference & { items?: KeyToPath[] }
  secret?: { secretName: string; optional?: boolean; items?: KeyToPath[] }
  persistentVolumeClaim?: { claimName: string }
  projected?: {
    sources: {
      configMap?: Reference & { items?: KeyToPath[] }
      secret?: Reference & { items?: KeyToPath[] }
    }[]
  }
}

/** Of all documents, empty ones left out. @throws Error where one isn't YAML. */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0]
    const value = document.toJS() as Manifest | null
    return value === null ? [] : [value]
  })
}

export const isDeployment = (manifest: Manifest): manifest is Deployment => manifest.kind === 'Deployment'
export const isStatefulSet = (manifest: Manifest): manifest is StatefulSet => manifest.kind === 'StatefulSet'
export const isService = (manifest: Manifest): manifest is Service => manifest.kind === 'Service'
export const isJob = (manifest: Manifest): manifest is Job => manifest.kind === 'Job'

/** Of a ConfigMap or a Secret: text by key. */
export function textsOf({ kind, data = {}, stringData = {} }: Manifest): Record<string, string> {
  if (kind !== 'Secret') return data
  const decoded = Object.entries(data).map(([key, value]) => [
    key,
    Buffer.from(value, 'base64').toString('utf8'),
  ])
  return { ...Object.fromEntries(decoded), ...stringData }
}
