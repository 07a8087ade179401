/**
 * What a cluster has besides its pods: Services, config maps, secrets, and the addresses and names by which all is found.
 *
 * I1. A Service, and a pod whose name stays, keep their address for as long as the cluster lives: it is written into what starts.
 * I2. A Secret that is there keeps its content: the chart makes passwords by chance where `lookup` finds none, and `helm template` never
 *     finds any.
 */
import { localText } from '../shared/local-text.js'
import { LoopbackAddresses } from '../shared/loopback.js'
import { serviceLinks } from './environment.js'
import { isService, isStatefulSet, type Manifest, type Service, type StatefulSet } from './manifests.js'
import { namesOf } from './names.js'
import { numbered } from './stateful.js'

export class Inventory {
  readonly services = new Map<string, Service>()
  readonly configMaps = new Map<string, Manifest>()
  readonly secrets = new Map<string, Manifest>()
  private readonly sets = new Map<string, StatefulSet>()
  private readonly addresses = new LoopbackAddresses()
  /** I1. By the name of a Service or a pod. */
  private readonly staying = new Map<string, string>()

  constructor(readonly namespace: string) {}

  /** What is of no use here is passed over. */
  take(manifests: readonly Manifest[]): void {
    for (const manifest of manifests) {
      const { kind, metadata } = manifest
      if (kind === 'ConfigMap') this.configMaps.set(metadata.name, manifest)
      if (kind === 'Secret' && !this.secrets.has(metadata.name)) this.secrets.set(metadata.name, manifest) // I2
      if (isService(manifest)) this.services.set(metadata.name, manifest)
      if (isStatefulSet(manifest)) this.sets.set(metadata.name, manifest)
    }
    for (const name of this.services.keys()) this.stayingAddress(name)
    for (const name of [...this.sets.values()].flatMap(membersOf)) this.stayingAddress(name)
  }

  /** Of a Service, or a pod whose name stays; for others a new one. */
  addressFor(name: string): string {
    return this.staying.get(name) ?? this.addresses.next()
  }

  /** Addresses by every name that is known in the cluster. */
  names(): Map<string, string> {
    const of = (names: Iterable<string>) => new Map([...names].map((name) => [name, this.addressFor(name)]))
    const members = [...this.sets.values()].map(
      (set) => [set.spec.serviceName ?? set.metadata.name, of(membersOf(set))] as const,
    )
    return namesOf(this.namespace, of(this.services.keys()), new Map(members))
  }

  serviceLinks(): Record<string, string> {
    return serviceLinks(this.staying, [...this.services.values()])
  }

  /** By the Service's port's name or number. */
  doorOf(service: string, port: number | string): { host: string; port: number } {
    const found = this.services.get(service)?.spec.ports.find((one) => one.port === port || one.name === port)
    if (found === undefined) throw new Error(`there is no Service ${service} with a port ${port}`)
    return { host: this.addressFor(service), port: found.port }
  }

  /** Text from a manifest, with addresses of this machine. */
  local(text: string): string {
    return localText(text, { address: '127.0.0.1', names: this.names(), paths: new Map() })
  }

  /** As it is in the cluster, not as it was rendered last. */
  secret(name: string): Manifest {
    const found = this.secrets.get(name)
    if (found === undefined) throw new Error(`there is no Secret ${name}`)
    return found
  }

  private stayingAddress(name: string): void {
    if (!this.staying.has(name)) this.staying.set(name, this.addresses.next())
  }
}

const membersOf = ({ metadata, spec }: StatefulSet): string[] =>
  Array.from({ length: spec.replicas ?? 1 }, (_, n) => numbered(metadata.name, n))
