/**
 * A cluster on loopback: what rendered manifests describe, run as processes of this machine.
 *
 * U1. Controllers are asked after every change, and do what the pure functions say (`rollout.ts`, `stateful.ts`).
 * U2. A Service sends to pods that are ready and not being deleted, as its proxy knows them.
 * U3. As Helm has it: a hook's Job has ended well before what comes after it begins.
 * U4. `stop` leaves nothing behind: no process, no port, no folder.
 */
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Images } from '../shared/programs.js'
import type { ClusterEvent, Tell } from './events.js'
import { hookedAt, isHook, jobsOf, type HookEvent } from './hooks.js'
import { Inventory } from './inventory.js'
import {
  isDeployment,
  isStatefulSet,
  type Deployment,
  type Job,
  type Manifest,
  type PodTemplate,
  type Service,
  type StatefulSet,
} from './manifests.js'
import { Pod, type PodWorld } from './pod.js'
import { isComplete, nextStep, ruleOf, type RolloutRule } from './rollout.js'
import { startServiceProxy, type Endpoint, type ServiceProxy } from './service-proxy.js'
import { nextSetStep } from './stateful.js'

export interface ClusterOptions {
  images: Images
  /** Default `default`. */
  namespace?: string
  /** Until a Service's proxy knows what has become of a pod. Default 300. */
  propagationMs?: number
}

/** `stalled`: what keeps it from its end, as a person would see it. */
export type RolloutEnd =
  | { kind: 'complete' }
  | {
      kind: 'stalled'
      workload: string
      why: 'crash loop' | 'progress deadline' | 'time is up'
      said: string
    }

export type Workload = Deployment | StatefulSet

export class Cluster {
  readonly events: ClusterEvent[] = []
  readonly inventory: Inventory
  private readonly folder: string
  private readonly propagationMs: number
  private readonly workloads = new Map<string, Workload>()
  private readonly proxies = new Map<string, ServiceProxy>()
  private readonly pods = new Set<Pod>()
  private readonly leaving = new Set<Promise<void>>()
  private readonly watchers = new Set<() => void>()
  private readonly progress = new Map<string, { sign: string; sinceMs: number }>()
  /** By Deployment. */
  private readonly timers = new Map<string, NodeJS.Timeout>()
  private readonly over = new AbortController()
  private stepping: 'no' | 'yes' | 'and again' = 'no'

  constructor(private readonly options: ClusterOptions) {
    this.inventory = new Inventory(options.namespace ?? 'default')
    this.propagationMs = options.propagationMs ?? 300
    this.folder = mkdtempSync(join(tmpdir(), 'natter-cluster-'))
    chmodSync(this.folder, 0o755) // the pods' users have to find theirs
    process.once('exit', this.removeFolder) // also when the run is interrupted
  }

  /** As `helm install`: resolves when the hooks have ended; nothing needs to be ready by then. */
  async install(manifests: readonly Manifest[]): Promise<void> {
    await this.prepare(manifests)
    await this.hooks('pre-install', manifests)
    this.apply(manifests, 'install')
    await this.hooks('post-install', manifests)
  }

  /** As `helm upgrade`. */
  async upgrade(manifests: readonly Manifest[]): Promise<void> {
    await this.hooks('pre-upgrade', manifests)
    await this.prepare(manifests)
    this.apply(manifests, 'upgrade')
    await this.hooks('post-upgrade', manifests)
  }

  /** Resolves when every workload is as it should be, or one can't get there. */
  async settled(timeoutMs: number): Promise<RolloutEnd> {
    const end = (): RolloutEnd | undefined => {
      if (this.isWhole) return { kind: 'complete' }
      return [...this.workloads.values()]
        .map((workload) => this.stallOf(workload))
        .find((stall) => stall !== undefined)
    }
    return await this.until('the rollout', end, timeoutMs).catch(() => {
      const left = [...this.workloads.values()].find((workload) => !this.isDone(workload))
      return this.stalled(left?.metadata.name ?? '', 'time is up')
    })
  }

  /** Every workload is as it should be. */
  get isWhole(): boolean {
    return [...this.workloads.values()].every((workload) => this.isDone(workload))
  }

  /** Polls nothing: looked at after every change. @throws Error when it isn't so in time. */
  until<T>(what: string, look: () => T | undefined | false, timeoutMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearTimeout(timer)
        clearInterval(clock)
        this.watchers.delete(watch)
        act()
      }
      const watch = (): void => {
        const found = look()
        if (found !== undefined && found !== false) finish(() => resolve(found))
      }
      const timer = setTimeout(
        () => finish(() => reject(new Error(`${what}: not within ${timeoutMs} ms\n${this.told()}`))),
        timeoutMs,
      )
      const clock = setInterval(watch, 100) // deadlines pass without a change
      this.watchers.add(watch)
      watch()
    })
  }

  /** Those that are there, also those on their way out. */
  podsOf(workload: string): Pod[] {
    return [...this.pods].filter(({ owner }) => owner === workload)
  }

  /** As the controller sees it. */
  ruleOf(deployment: string): RolloutRule {
    const found = this.workloads.get(deployment)
    if (found === undefined || !isDeployment(found)) throw new Error(`there is no Deployment ${deployment}`)
    return ruleOf(found)
  }

  /** As `kubectl delete pod`: its controller makes another. */
  deletePod(name: string): void {
    for (const pod of this.pods) if (pod.name === name) this.leave(pod)
  }

  /** U4. */
  async stop(): Promise<void> {
    this.over.abort()
    for (const timer of this.timers.values()) clearTimeout(timer)
    await Promise.all([...this.proxies.values()].map((proxy) => proxy.stop()))
    await Promise.all([...this.pods].map((pod) => pod.discard()))
    await Promise.all(this.leaving)
    process.off('exit', this.removeFolder)
    this.removeFolder()
  }

  /** What there is, for a message. */
  told(): string {
    return [...this.pods]
      .map(({ name, isReady, isDeleting, lastWords }) => {
        const state = isDeleting ? 'on its way out' : isReady ? 'ready' : 'not ready'
        return `${name}: ${state}\n${isReady ? '' : lastWords}`
      })
      .join('\n')
  }

  private readonly removeFolder = (): void =>
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })

  private readonly tell: Tell = (happening) => {
    this.events.push({ atMs: Date.now(), ...happening })
  }

  /** Names and Services first: what is started needs their addresses. */
  private async prepare(manifests: readonly Manifest[]): Promise<void> {
    const { inventory, propagationMs, tell } = this
    inventory.take(manifests.filter((manifest) => !isHook(manifest)))
    for (const [name, { spec }] of inventory.services) {
      if (this.proxies.has(name) || spec.selector === undefined) continue
      const [address, ports] = [inventory.addressFor(name), spec.ports.map(({ port }) => port)]
      this.proxies.set(name, await startServiceProxy({ name, address, ports, propagationMs, tell }))
    }
  }

  private apply(manifests: readonly Manifest[], what: string): void {
    this.tell({ kind: 'applied', what })
    for (const manifest of manifests)
      if (!isHook(manifest) && (isDeployment(manifest) || isStatefulSet(manifest))) {
        this.workloads.set(manifest.metadata.name, manifest)
        this.progress.delete(manifest.metadata.name)
      }
    this.changed()
  }

  /** U3. */
  private async hooks(event: HookEvent, manifests: readonly Manifest[]): Promise<void> {
    const hooked = hookedAt(event, manifests)
    this.inventory.take(hooked)
    for (const job of jobsOf(hooked)) await this.runJob(job)
  }

  private async runJob({ metadata: { name }, spec }: Job): Promise<void> {
    const { backoffLimit = 6, template } = spec
    for (let attempt = 0; ; attempt += 1) {
      const pod = this.make(name, `${name}-${word()}`, 'hook', template)
      pod.start()
      const isDone = await pod.ended
      const { lastWords: said, trouble } = pod
      await pod.delete()
      this.pods.delete(pod)
      if (isDone) return
      if (trouble !== '' || this.over.signal.aborted || attempt >= backoffLimit)
        throw new Error(`the Job ${name} has failed:\n${said}`)
      await delay(Math.min(10_000 * 2 ** attempt, 360_000), undefined, { signal: this.over.signal })
    }
  }

  private make(
    owner: string,
    name: string,
    revision: string,
    template: PodTemplate,
    claims: ReadonlyMap<string, string> = new Map(),
  ): Pod {
    const address = this.inventory.addressFor(name)
    const pod = new Pod({ name, owner, revision, template, address, claims }, this.world())
    this.pods.add(pod)
    return pod
  }

  private world(): PodWorld {
    const { inventory, folder, tell } = this
    return {
      namespace: inventory.namespace,
      folder,
      configMaps: new Map(inventory.configMaps),
      secrets: new Map(inventory.secrets),
      tell,
      images: this.options.images,
      names: inventory.names(),
      serviceLinks: inventory.serviceLinks(),
      onChange: () => this.changed(),
    }
  }

  /** U1. What changes by a step is looked at after it. */
  private changed(): void {
    if (this.over.signal.aborted) return
    if (this.stepping !== 'no') {
      this.stepping = 'and again'
      return
    }
    do {
      this.stepping = 'yes'
      for (const workload of this.workloads.values()) while (this.stepOf(workload));
    } while (this.isAgain())
    this.stepping = 'no'
    for (const service of this.inventory.services.values()) this.tellProxy(service)
    for (const watch of this.watchers) watch()
  }

  private isAgain(): boolean {
    return this.stepping === 'and again'
  }

  /** Whether there was one. */
  private stepOf(workload: Workload): boolean {
    return isDeployment(workload) ? this.deploymentStep(workload) : this.setStep(workload)
  }

  private deploymentStep(deployment: Deployment): boolean {
    const { name } = deployment.metadata
    const [rule, revision, pods] = [ruleOf(deployment), revisionOf(deployment), this.podsOf(name)]
    const step = nextStep(rule, revision, pods, Date.now())
    if (step?.kind === 'create')
      for (let n = 0; n < step.count; n += 1) {
        this.make(name, `${name}-${revision}-${word()}`, revision, deployment.spec.template).start()
      }
    if (step?.kind === 'delete') for (const pod of pods) if (step.names.includes(pod.name)) this.leave(pod)
    if (step === undefined) this.lookAgainFor(name, pods, rule)
    return step !== undefined
  }

  private setStep(set: StatefulSet): boolean {
    const { metadata, spec } = set
    const [revision, pods] = [revisionOf(set), this.podsOf(metadata.name)]
    const { replicas = 1, podManagementPolicy } = spec
    const rule = { name: metadata.name, replicas, isParallel: podManagementPolicy === 'Parallel' }
    const step = nextSetStep(rule, revision, pods)
    if (step?.kind === 'create') {
      const claims = (spec.volumeClaimTemplates ?? []).map(
        ({ metadata: { name } }) => [name, `${name}-${step.name}`] as const,
      )
      this.make(metadata.name, step.name, revision, spec.template, new Map(claims)).start()
    }
    if (step?.kind === 'delete') for (const pod of pods) if (pod.name === step.name) this.leave(pod)
    return step !== undefined
  }

  /** Who is ready becomes available by time alone. */
  private lookAgainFor(name: string, pods: readonly Pod[], { minReadyMs }: RolloutRule): void {
    const now = Date.now()
    const dueMs = pods
      .map(({ readySinceMs = -Infinity }) => readySinceMs + minReadyMs)
      .filter((due) => due > now)
    if (dueMs.length === 0) return
    const first = dueMs.reduce((a, b) => Math.min(a, b))
    clearTimeout(this.timers.get(name))
    this.timers.set(
      name,
      setTimeout(() => this.changed(), first - now + 1),
    )
  }

  private leave(pod: Pod): void {
    const gone = pod.delete().then(() => {
      this.pods.delete(pod)
      this.leaving.delete(gone)
      this.changed()
    })
    this.leaving.add(gone)
  }

  /** U2. */
  private tellProxy({ metadata: { name }, spec }: Service): void {
    const isHere = (pod: Pod): boolean =>
      pod.isReady || (spec.publishNotReadyAddresses === true && !pod.isDeleting)
    const selected = [...this.pods].filter((pod) => isSelected(pod, spec.selector) && isHere(pod))
    const endpoints = selected.map((pod): Endpoint => {
      const ports = spec.ports.map(({ port, targetPort = port }) => [port, pod.portOf(targetPort)] as const)
      return { pod: pod.name, address: pod.address, ports: new Map(ports) }
    })
    this.proxies.get(name)?.change(endpoints)
  }

  private isDone(workload: Workload): boolean {
    const pods = this.podsOf(workload.metadata.name)
    const revision = revisionOf(workload)
    if (isDeployment(workload)) return isComplete(ruleOf(workload), revision, pods, Date.now())
    return (
      pods.length === (workload.spec.replicas ?? 1) &&
      pods.every((pod) => pod.revision === revision && pod.isReady)
    )
  }

  private stallOf(workload: Workload): RolloutEnd | undefined {
    const { name } = workload.metadata
    const revision = revisionOf(workload)
    const pods = this.podsOf(name).filter((pod) => pod.revision === revision && !pod.isDeleting)
    const isLooping = pods.some((pod) => pod.all.some((container) => container.isLooping))
    if (isLooping || pods.some(({ trouble }) => trouble !== '')) return this.stalled(name, 'crash loop')
    if (!isDeployment(workload) || this.isDone(workload)) return undefined
    const sign = pods.map((pod) => `${pod.name} ${pod.isReady}`).join(' ')
    const before = this.progress.get(name)
    if (before?.sign !== sign) this.progress.set(name, { sign, sinceMs: Date.now() })
    else if (Date.now() - before.sinceMs > ruleOf(workload).progressDeadlineMs)
      return this.stalled(name, 'progress deadline')
    return undefined
  }

  private stalled(workload: string, why: 'crash loop' | 'progress deadline' | 'time is up'): RolloutEnd {
    const said = this.podsOf(workload)
      .filter((pod) => !pod.isReady && !pod.isDeleting)
      .map((pod) => `${pod.name}:\n${pod.lastWords}`)
    return { kind: 'stalled', workload, why, said: said.join('\n') }
  }
}

const word = (): string => randomBytes(3).toString('hex').slice(0, 5)

/** Of a pod's template: another one means another pod. */
const revisionOf = ({ spec }: Workload): string =>
  createHash('sha256').update(JSON.stringify(spec.template)).digest('hex').slice(0, 8)

function isSelected({ labels }: Pod, selector: Readonly<Record<string, string>> = {}): boolean {
  const wanted = Object.entries(selector)
  return wanted.length > 0 && wanted.every(([label, value]) => labels[label] === value)
}
