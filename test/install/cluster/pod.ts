/**
 * One pod: its volumes, its init containers one after the other, then its containers, until it is deleted.
 *
 * P1. It is ready while all its containers are, and never once its deletion began.
 * P2. What can't be started (a missing secret, an unknown image) never becomes ready, and says why.
 * P3. It is gone when all its processes have exited; only then its folder goes.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Place } from '../shared/local-text.js'
import { nameOf, type Images } from '../shared/programs.js'
import { PodContainer } from './container.js'
import { environmentOf } from './environment.js'
import type { PodChange, Tell } from './events.js'
import type { ContainerSpec, Manifest, PodTemplate } from './manifests.js'
import { fillVolumes, giveTo, makeVolumes, pathsOf } from './pod-files.js'

export interface PodWish {
  name: string
  /** The workload that it belongs to. */
  owner: string
  revision: string
  template: PodTemplate
  address: string
  /** Of the claims of its own, by volume. */
  claims: ReadonlyMap<string, string>
}

/** What the pods of a cluster share. */
export interface PodWorld {
  namespace: string
  /** Of the cluster: each pod gets one of its own in it. */
  folder: string
  images: Images
  /** Hosts by every name. */
  names: ReadonlyMap<string, string>
  configMaps: ReadonlyMap<string, Manifest>
  secrets: ReadonlyMap<string, Manifest>
  /** Unless the pod says no. */
  serviceLinks: Readonly<Record<string, string>>
  tell: Tell
  onChange(): void
}

const nobody = { uid: 10001, gid: 10001 }

export class Pod {
  readonly createdMs = Date.now()
  readySinceMs: number | undefined
  isDeleting = false
  /** P2. */
  trouble = ''
  private containers: PodContainer[] = []
  private inits: PodContainer[] = []
  private life: Promise<boolean> = Promise.resolve(false)
  private readonly folder: string

  constructor(
    private readonly wish: PodWish,
    private readonly world: PodWorld,
  ) {
    this.folder = join(world.folder, 'pods', wish.name)
  }

  get name(): string {
    return this.wish.name
  }

  get owner(): string {
    return this.wish.owner
  }

  get revision(): string {
    return this.wish.revision
  }

  get address(): string {
    return this.wish.address
  }

  get labels(): Readonly<Record<string, string>> {
    return this.wish.template.metadata?.labels ?? {}
  }

  get isReady(): boolean {
    return this.readySinceMs !== undefined && !this.isDeleting // P1
  }

  get all(): readonly PodContainer[] {
    return [...this.inits, ...this.containers]
  }

  container(name = this.wish.template.spec.containers[0]?.name): PodContainer | undefined {
    return this.containers.find((one) => one.name === name)
  }

  /** Of a port by its name or number, as a Service's `targetPort` gives it. */
  portOf(target: number | string): number {
    if (typeof target === 'number') return target
    const ports = this.wish.template.spec.containers.flatMap(({ ports: some = [] }) => some)
    return ports.find(({ name }) => name === target)?.containerPort ?? Number(target)
  }

  start(): void {
    this.tell('created')
    this.life = this.run().catch((error: unknown) => {
      this.trouble = error instanceof Error ? error.message : String(error) // P2
      this.world.onChange()
      return false
    })
  }

  /** Of a Job's: whether all its containers ended well. Of another: when it was deleted. */
  get ended(): Promise<boolean> {
    return this.life
  }

  /** Resolves when it is gone. */
  async delete(): Promise<void> {
    if (this.isDeleting) return
    this.isDeleting = true
    this.tell('deleted')
    this.world.onChange()
    await Promise.all(this.all.map((container) => container.end()))
    await this.life
    await this.remove()
    this.tell('gone')
    this.world.onChange()
  }

  /** At once, without a word. */
  async discard(): Promise<void> {
    this.isDeleting = true
    await Promise.all(this.all.map((container) => container.discard()))
    await this.life
    await Promise.all(this.all.map((container) => container.discard())) // what was being started meanwhile
    await this.remove()
  }

  /** The container that is worst off, and the end of what it said. */
  get lastWords(): string {
    const worst = this.containers.toSorted((a, b) => b.crashes.length - a.crashes.length)[0]
    const said = worst?.crashes.at(-1)?.lines ?? worst?.lines ?? []
    return [this.trouble, worst?.lastWord ?? '', ...said.slice(-12)].filter((line) => line !== '').join('\n')
  }

  private async run(): Promise<boolean> {
    const { template, claims } = this.wish
    const { spec } = template
    const { world, folder } = this
    mkdirSync(folder, { recursive: true })
    const claimFolder = (claim: string): string => join(world.folder, 'claims', claim)
    const volumeWorld = { ...world, folder, claimFolder, claims }
    const folders = makeVolumes(spec, volumeWorld)
    const place = this.placeOf(spec.containers.concat(spec.initContainers ?? []), folders)
    fillVolumes(spec, folders, volumeWorld, place)
    const user = this.userOf(spec.containers[0])
    if (user !== undefined) for (const one of [folder, ...folders.values()]) giveTo(one, user)
    const isJob = spec.restartPolicy === 'Never' || spec.restartPolicy === 'OnFailure'
    for (const init of spec.initContainers ?? []) {
      const container = this.make(init, folders, isJob ? (spec.restartPolicy ?? 'Always') : 'OnFailure')
      this.inits.push(container)
      const { code } = await container.run()
      if (code !== 0 || this.isDeleting) return false
    }
    this.containers = spec.containers.map((one) => this.make(one, folders, spec.restartPolicy ?? 'Always'))
    const exits = await Promise.all(this.containers.map((container) => container.run()))
    return exits.every(({ code }) => code === 0)
  }

  private make(
    spec: ContainerSpec,
    folders: ReadonlyMap<string, string>,
    restarts: 'Always' | 'OnFailure' | 'Never',
  ): PodContainer {
    const { world, wish } = this
    const { enableServiceLinks = true, terminationGracePeriodSeconds = 30 } = wish.template.spec
    const place = this.placeOf([spec], folders)
    const links = enableServiceLinks ? world.serviceLinks : {}
    const environment = { ...links, ...environmentOf(spec, { ...world, fields: this.fields }) }
    const tmp = place.paths.get('/tmp')
    return new PodContainer(spec, {
      pod: wish.name,
      place,
      images: world.images,
      environment: tmp === undefined ? environment : { TMPDIR: '/tmp', ...environment },
      user: this.userOf(spec),
      graceMs: terminationGracePeriodSeconds * 1_000,
      restarts,
      tell: world.tell,
      onChange: () => this.changed(),
    })
  }

  private placeOf(specs: readonly ContainerSpec[], folders: ReadonlyMap<string, string>): Place {
    const paths = new Map(specs.flatMap((spec) => [...pathsOf(spec, folders)]))
    return { address: this.wish.address, names: this.world.names, paths }
  }

  private get fields(): Record<string, string> {
    const { name, address, template } = this.wish
    const { namespace } = this.world
    const labels = Object.entries(template.metadata?.labels ?? {})
    return {
      'metadata.name': name,
      'metadata.namespace': namespace,
      'metadata.uid': name,
      'spec.nodeName': 'this-machine',
      'status.podIP': address,
      'status.hostIP': '127.0.0.1',
      ...Object.fromEntries(labels.map(([label, value]) => [`metadata.labels['${label}']`, value])),
    }
  }

  /** Postgres is whoever libs/testing makes it. */
  private userOf(spec: ContainerSpec | undefined): { uid: number; gid: number } | undefined {
    const { securityContext: ofPod = {} } = this.wish.template.spec
    const { runAsUser: uid, runAsGroup: gid } = { ...ofPod, ...spec?.securityContext }
    if (uid !== undefined) return { uid, gid: gid ?? uid }
    return spec !== undefined && nameOf(spec.image).folder === 'natter' ? nobody : undefined
  }

  private changed(): void {
    const isReady = this.containers.length > 0 && this.containers.every((container) => container.isReady)
    if (isReady !== (this.readySinceMs !== undefined)) {
      this.readySinceMs = isReady ? Date.now() : undefined
      const why = this.containers.map(({ lastWord }) => lastWord).join(' ')
      this.tell(isReady ? 'ready' : 'unready', why)
    }
    this.world.onChange()
  }

  private tell(change: PodChange, why = ''): void {
    const { name: pod, owner, revision } = this.wish
    this.world.tell({ kind: 'pod', pod, owner, revision, change, ...(why === '' ? {} : { why }) })
  }

  /** P3. */
  private async remove(): Promise<void> {
    // a socket of the kubelet's may still be closing
    await delay(0)
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
