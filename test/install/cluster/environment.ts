/** The environment of a container, as a kubelet makes it. Pure. */
import {
  textsOf,
  type ContainerSpec,
  type EnvVariable,
  type Manifest,
  type Reference,
  type Service,
} from './manifests.js'

export interface EnvWorld {
  configMaps: ReadonlyMap<string, Manifest>
  secrets: ReadonlyMap<string, Manifest>
  /** By the path of a field: `metadata.name`, `status.podIP`. */
  fields: Readonly<Record<string, string>>
}

/** @throws Error where something that isn't optional isn't there: such a container is never started. */
export function environmentOf(
  { env = [], envFrom = [] }: ContainerSpec,
  world: EnvWorld,
): Record<string, string> {
  const all: Record<string, string> = {}
  for (const { prefix = '', configMapRef, secretRef } of envFrom) {
    const texts = configMapRef
      ? find(world.configMaps, configMapRef)
      : secretRef && find(world.secrets, secretRef)
    for (const [key, value] of Object.entries(texts ?? {})) all[prefix + key] = value
  }
  for (const variable of env) {
    const value = valueOf(variable, world)
    if (value !== undefined) all[variable.name] = expanded(value, all)
  }
  return all
}

function valueOf({ name, value, valueFrom }: EnvVariable, world: EnvWorld): string | undefined {
  if (valueFrom === undefined) return value ?? ''
  const { configMapKeyRef, secretKeyRef, fieldRef } = valueFrom
  const reference = configMapKeyRef ?? secretKeyRef
  if (reference !== undefined) {
    const text = find(configMapKeyRef ? world.configMaps : world.secrets, reference)?.[reference.key]
    if (text === undefined && reference.optional !== true)
      throw new Error(`${name}: ${reference.name} has no ${reference.key}`)
    return text
  }
  const field = world.fields[fieldRef?.fieldPath ?? '']
  if (field === undefined) throw new Error(`${name}: ${JSON.stringify(valueFrom)} is not emulated`)
  return field
}

function find(
  among: ReadonlyMap<string, Manifest>,
  { name, optional = false }: Reference,
): Record<string, string> | undefined {
  const found = among.get(name)
  if (found === undefined && !optional) throw new Error(`there is no ${name}`)
  return found && textsOf(found)
}

/** `$(NAME)` of what stands before; `$$(NAME)` is `$(NAME)`, and what isn't there stays as it is written. */
export const expanded = (text: string, known: Readonly<Record<string, string>>): string =>
  text.replaceAll(
    /\$(\$\(\w+\))|\$\(([\w.-]+)\)/g,
    (whole, escaped?: string, name?: string) => escaped ?? known[name ?? ''] ?? whole,
  )

/** What Kubernetes adds of each Service unless the pod says `enableServiceLinks: false`. */
export function serviceLinks(
  services: ReadonlyMap<string, string>,
  specs: readonly Service[],
): Record<string, string> {
  const links = specs.flatMap(({ metadata, spec }) => {
    const [address, [first]] = [services.get(metadata.name) ?? '', spec.ports]
    if (spec.clusterIP === 'None' || first === undefined) return []
    const name = metadata.name.toUpperCase().replaceAll('-', '_')
    const url = `tcp://${address}:${first.port}`
    return [
      [`${name}_SERVICE_HOST`, address],
      [`${name}_SERVICE_PORT`, String(first.port)],
      [`${name}_PORT`, url],
    ]
  })
  return Object.fromEntries(links) as Record<string, string>
}
