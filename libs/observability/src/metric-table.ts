import { InternalError } from '@natter/primitives'

/**
 * A metric, declared beside the event map that feeds it. Labels hold what is few and known: kinds, reasons, codes, namespaces.
 * Never a channel, user or subject.
 */
export interface MetricDeclaration {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** `natter_<part>_<what>[_<unit>]`, in base units; counters end in `_total`. */
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  /** Upper bounds, for histograms. */
  readonly buckets?: readonly number[]
  /** More combinations of labels than this are counted under `other`. Default 100. */
  readonly maxSeries?: number
}

export type MetricTable = Readonly<Record<string, MetricDeclaration>>

/** Declares metrics. A name that breaks the rules throws here, at import. */
export function defineMetrics<const T extends MetricTable>(table: T): T {
  for (const declaration of Object.values(table)) {
    const why = complaint(declaration)
    if (why !== undefined)
      throw new InternalError('metric-declaration', `The metric ${declaration.name} ${why}.`)
  }
  return Object.freeze(table)
}

const smallUnits =
  /_(ms|millis|milliseconds|micros|nanos|minutes|hours|kb|mb|kilobytes|megabytes|percent)(_total)?$/

function complaint({ type, name, help, labels = [], buckets }: MetricDeclaration): string | undefined {
  if (!/^natter(_[a-z0-9]+)+$/.test(name)) return 'must be snake_case and begin with natter_'
  if ((type === 'counter') !== name.endsWith('_total'))
    return 'must end in _total if it is a counter, and only then'
  if (smallUnits.test(name)) return 'must be in base units: seconds, bytes, ratio'
  if (type === 'histogram' && buckets === undefined) return 'is a histogram and must say its buckets'
  if (type !== 'histogram' && buckets !== undefined) return 'has buckets and is no histogram'
  if (help.trim() === '') return 'must say what it means'
  const bad = labels.find((label) => !/^[a-z][a-z0-9_]*$/.test(label) || unboundedLabels.has(label))
  return bad === undefined ? undefined : `can't have the label ${bad}`
}

/** `le` and `quantile` are Prometheus's own; the others grow with the number of users. */
const unboundedLabels = new Set(['channel', 'user', 'client', 'connection', 'subject', 'le', 'quantile'])
