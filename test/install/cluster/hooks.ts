/** Which Jobs Helm runs when, and in which order: by weight, then by name. */
import { isJob, type Job, type Manifest } from './manifests.js'

export type HookEvent = 'pre-install' | 'post-install' | 'pre-upgrade' | 'post-upgrade'

const hooksOf = ({ metadata }: Manifest): string[] =>
  (metadata.annotations?.['helm.sh/hook'] ?? '').split(',').map((event) => event.trim())

const weightOf = ({ metadata }: Manifest): number =>
  Number(metadata.annotations?.['helm.sh/hook-weight'] ?? 0)

/** Hooks are made when their time comes, and are no part of the release. */
export const isHook = (manifest: Manifest): boolean =>
  manifest.metadata.annotations?.['helm.sh/hook'] !== undefined

/** Everything that a hook brings along (its ConfigMap, its account), in Helm's order. */
export function hookedAt(event: HookEvent, manifests: readonly Manifest[]): Manifest[] {
  return manifests
    .filter((manifest) => hooksOf(manifest).includes(event))
    .toSorted((a, b) => weightOf(a) - weightOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1))
}

export const jobsOf = (manifests: readonly Manifest[]): Job[] => manifests.filter(isJob)
