/** Of rendered manifests what the laws ask about. */
import {
  isDeployment,
  isJob,
  isStatefulSet,
  type ContainerSpec,
  type Manifest,
  type PodSpec,
} from '../cluster/manifests.js'
import { nameOf } from './renderings.js'

/** What makes pods: a Deployment, a StatefulSet or a Job. */
export interface Workload {
  readonly name: string
  readonly manifest: Manifest
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly pod: FullPodSpec
  readonly containers: readonly FullContainer[]
  readonly isJob: boolean
}

export interface FullPodSpec extends Omit<PodSpec, 'securityContext'> {
  serviceAccountName?: string
  automountServiceAccountToken?: boolean
  hostNetwork?: boolean
  hostPID?: boolean
  securityContext?: {
    runAsNonRoot?: boolean
    runAsUser?: number
    runAsGroup?: number
    seccompProfile?: { type: string }
  }
}

export interface FullContainer extends Omit<ContainerSpec, 'securityContext'> {
  securityContext?: {
    allowPrivilegeEscalation?: boolean
    readOnlyRootFilesystem?: boolean
    privileged?: boolean
    capabilities?: { drop?: string[]; add?: string[] }
  }
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> }
}

export function workloadsOf(manifests: readonly Manifest[]): Workload[] {
  return manifests
    .filter((one) => isDeployment(one) || isStatefulSet(one) || isJob(one))
    .map((manifest) => {
      const { metadata, spec } = manifest.spec.template
      const pod = spec as FullPodSpec
      return {
        name: nameOf(manifest),
        manifest,
        labels: metadata?.labels ?? {},
        annotations: metadata?.annotations ?? {},
        pod,
        containers: [...(pod.initContainers ?? []), ...pod.containers] as FullContainer[],
        isJob: isJob(manifest),
      }
    })
}

export function workload(manifests: readonly Manifest[], name: string): Workload {
  const found = workloadsOf(manifests).find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

/** Whether the labels have all that is asked for. */
export function matches(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      if (operator !== 'In') throw new Error(`${operator} is not understood here`)
      return values.includes(labels[key] ?? '')
    })
  )
}

export interface Selector {
  matchLabels?: Readonly<Record<string, string>>
  matchExpressions?: readonly { key: string; operator: string; values: readonly string[] }[]
}

/** Of the kinds that are asked about, as much as is. */
interface Specs {
  Deployment: { strategy: unknown }
  HorizontalPodAutoscaler: { scaleTargetRef: { name: string }; behavior: Behavior }
  Ingress: { rules: { http: { paths: { backend: Backend }[] } }[] }
  NetworkPolicy: NetworkPolicySpec
  PodDisruptionBudget: { selector: Selector }
  PodMonitor: { selector: Selector }
  PrometheusRule: { groups: { rules: { alert: string; expr: string }[] }[] }
  ScaledObject: {
    scaleTargetRef: { name: string }
    advanced: { horizontalPodAutoscalerConfig: { behavior: Behavior } }
    triggers: { type: string; metadata: { query?: string } }[]
  }
  Service: { selector: Record<string, string>; ports: { name: string; port: number; targetPort: string }[] }
  ServiceAccount: unknown
}

interface Behavior {
  scaleDown: { stabilizationWindowSeconds: number; policies: object[] }
}

interface Backend {
  service: { name: string; port: { name: string } }
}

export interface NetworkPolicySpec {
  podSelector: Selector
  policyTypes: string[]
  ingress?: { ports?: PolicyPort[]; from?: Peer[] }[]
  egress?: { ports?: PolicyPort[]; to?: Peer[] }[]
}

export interface PolicyPort {
  port: number | string
  protocol?: string
}

export interface Peer {
  podSelector?: Selector
  namespaceSelector?: Selector
  ipBlock?: { cidr: string }
}

/** Objects of one kind. */
export function specsOf<K extends keyof Specs>(
  manifests: readonly Manifest[],
  kind: K,
): { name: string; spec: Specs[K] }[] {
  return manifests
    .filter((one) => one.kind === kind)
    .map((one) => ({ name: one.metadata.name, spec: one.spec as Specs[K] }))
}
