/** Renders the chart as Helm would. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseManifests, type Manifest } from './manifests.js'

const repo = join(import.meta.dirname, '../../..')

export interface ChartWish {
  helm: string
  /** The repository, or a copy of it. */
  source: string
  release: string
  namespace: string
  /** Files of the chart's folder. */
  valuesFiles: readonly string[]
  /** Over those. */
  values: object
}

/** Else an older Helm would take an older Kubernetes for the cluster's. */
const kubernetes = ['--kube-version', '1.34.0']

/** Hooks too. @throws Error with Helm's words. */
export function renderChart({
  helm,
  source,
  release,
  namespace,
  valuesFiles,
  values,
}: ChartWish): Manifest[] {
  const chart = join(existsSync(join(source, 'helm')) ? source : repo, 'helm/natter')
  const files = valuesFiles.flatMap((file) => ['--values', join(chart, file)])
  const args = ['template', release, chart, '--namespace', namespace, ...kubernetes, ...files, '--values', '-']
  return parseManifests(
    execFileSync(helm, args, {
      input: JSON.stringify(values),
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    }),
  )
}
