/** Renders the chart as Helm would, without a cluster. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseManifests, type Manifest } from './manifests.js'

const repo = join(import.meta.dirname, '../../..')

export interface ChartWish {
  helm: string
  /** The chart's folder. */
  chart: string
  release: string
  namespace: string
  /** Files of the chart's folder. */
  valuesFiles: readonly string[]
  /** Over those. */
  values: object
  /** More of `helm template`. */
  flags?: readonly string[]
}

/** @param source the repository, or a copy of it, which may have no chart of its own. */
export const chartIn = (source: string): string =>
  join(existsSync(join(source, 'helm')) ? source : repo, 'helm/natter')

/** Else an older Helm would take an older Kubernetes for the cluster's. */
const kubernetes = ['--kube-version', '1.34.0']

/** Hooks too. @throws Error with Helm's words, also as its `stderr`. */
export function renderChart({
  helm,
  chart,
  release,
  namespace,
  valuesFiles,
  values,
  flags = [],
}: ChartWish): Manifest[] {
  const files = valuesFiles.flatMap((file) => ['--values', join(chart, file)])
  const args = ['template', release, chart, '--namespace', namespace, ...kubernetes, ...files]
  return parseManifests(
    execFileSync(helm, [...args, '--values', '-', ...flags], {
      input: JSON.stringify(values),
      encoding: 'utf8',
      stdio: 'pipe',
      maxBuffer: 64 * 1024 * 1024,
    }),
  )
}
