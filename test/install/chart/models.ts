/**
 * Asks the models of Kubernetes, KEDA and the Prometheus operator whether an object is one of theirs, offline.
 *
 * Their check passes over fields that it doesn't know, and the API server would too, with a warning at most. So what the check looks
 * at is watched: a key that it never asked for is none of that kind.
 */
import type { Manifest } from '../cluster/manifests.js'

interface Model {
  readonly prototype: { validate: () => void }
}

/** Everything that is wrong; empty when nothing is. */
export async function problemsOf(manifest: Manifest & { apiVersion?: string }): Promise<string[]> {
  const model = await modelOf(manifest.apiVersion ?? '', manifest.kind)
  if (model === undefined) return [`there is no ${manifest.kind} in ${manifest.apiVersion}`]
  const asked = new Map<object, Set<string>>()
  try {
    model.prototype.validate.call(watched(manifest, asked))
  } catch (error) {
    return [(error as Error).message]
  }
  return unasked(manifest, asked, manifest.kind)
}

async function modelOf(apiVersion: string, kind: string): Promise<Model | undefined> {
  const [group = ''] = apiVersion.split('/')
  const packageOf: Record<string, string> = {
    'keda.sh': '@kubernetes-models/keda',
    'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  }
  try {
    const exports = (await import(
      `${packageOf[group] ?? 'kubernetes-models'}/${apiVersion}/${kind}`
    )) as Record<string, Model>
    return exports[kind]
  } catch (error) {
    if (['ERR_PACKAGE_PATH_NOT_EXPORTED', 'MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(codeOf(error)))
      return undefined
    throw error
  }
}

/** By its code, because Jest's errors are of no class of ours. */
const codeOf = (error: unknown): string => String((error as { code?: unknown }).code)

/** The same object, that remembers which keys were asked for, at any depth. */
function watched<T extends object>(value: T, asked: Map<object, Set<string>>): T {
  const keys = asked.get(value) ?? new Set<string>()
  asked.set(value, keys)
  return new Proxy(value, {
    get: (target, key) => {
      if (typeof key === 'string') keys.add(key)
      const inner: unknown = Reflect.get(target, key)
      return typeof inner === 'object' && inner !== null ? watched(inner, asked) : inner
    },
  })
}

function unasked(value: object, asked: ReadonlyMap<object, ReadonlySet<string>>, path: string): string[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    if (asked.get(value)?.has(key) !== true) return [`${path} has no field ${key}`]
    return typeof inner === 'object' && inner !== null ? unasked(inner, asked, `${path}.${key}`) : []
  })
}
