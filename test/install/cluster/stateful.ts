/**
 * What a StatefulSet's controller does next. Pure.
 *
 * S1. Numbers are made in order, each after the one before it is ready, unless the set is parallel.
 * S2. An update replaces one at a time, the highest number first, and only while all others are ready.
 * S3. A number is made again only when its pod is gone: never two of one name.
 */
export interface SetRule {
  name: string
  replicas: number
  isParallel: boolean
}

export interface SetPodView {
  name: string
  revision: string
  isReady: boolean
  isDeleting: boolean
}

export type SetStep = { kind: 'create'; name: string } | { kind: 'delete'; name: string }

export const numbered = (name: string, ordinal: number): string => `${name}-${ordinal}`

export function nextSetStep(
  rule: SetRule,
  revision: string,
  pods: readonly SetPodView[],
): SetStep | undefined {
  const byName = new Map(pods.map((pod) => [pod.name, pod]))
  const wanted = Array.from({ length: rule.replicas }, (_, ordinal) => numbered(rule.name, ordinal))
  for (const name of wanted) {
    const pod = byName.get(name)
    if (pod === undefined) return { kind: 'create', name } // S3
    if (!rule.isParallel && (pod.isDeleting || !pod.isReady)) return undefined // S1
  }
  const surplus = pods.findLast((pod) => !wanted.includes(pod.name))
  if (surplus !== undefined) return surplus.isDeleting ? undefined : { kind: 'delete', name: surplus.name }
  if (pods.some(({ isDeleting, isReady }) => isDeleting || !isReady)) return undefined // S2
  const old = wanted.toReversed().find((name) => byName.get(name)?.revision !== revision)
  return old === undefined ? undefined : { kind: 'delete', name: old }
}
