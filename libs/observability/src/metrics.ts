/**
 * The metrics of one process, on a registry of its own: two nodes in one test don't count into each other.
 *
 * M1. Every series comes from a declared table, so the reference page knows them all.
 * M2. The number of series is bounded: past `maxSeries` combinations of labels of one metric, new ones are told as `other`.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { watchEventLoop } from './event-loop.js'
import { defineMetrics, type MetricDeclaration, type MetricTable } from './metric-table.js'

type LabelsOf<D> = D extends { labels: readonly (infer L extends string)[] }
  ? Readonly<Record<L, string | number>>
  : Readonly<Record<string, never>>

export interface CounterHandle<L> {
  /** Adds `by`, 1 if not given. */
  add(labels: L, by?: number): void
}

export interface GaugeHandle<L> {
  set(labels: L, value: number): void
  add(labels: L, by: number): void
}

export interface HistogramHandle<L> {
  observe(labels: L, value: number): void
}

type HandleOf<D extends MetricDeclaration> = D['type'] extends 'counter'
  ? CounterHandle<LabelsOf<D>>
  : D['type'] extends 'gauge'
    ? GaugeHandle<LabelsOf<D>>
    : HistogramHandle<LabelsOf<D>>

export type Handles<T extends MetricTable> = { readonly [K in keyof T]: HandleOf<T[K]> }

/** Asked at each scrape, for numbers that somebody keeps anyway: no work on the hot path. A counter's must never fall. */
export type Readings<T extends MetricTable> = {
  readonly [K in keyof T as T[K]['type'] extends 'histogram' ? never : K]?: () =>
    number | readonly { readonly labels: LabelsOf<T[K]>; readonly value: number }[]
}

export interface MetricsOptions {
  /** On every series, e.g. `{ node: 'gateway-1' }`. */
  labels?: Readonly<Record<string, string>>
  /** Memory, CPU, garbage collection, event loop. Default true. */
  processMetrics?: boolean
}

/** What each process tells besides prom-client's own `natter_process_…` and `natter_nodejs_…`. */
export const processMetricTable = defineMetrics({
  delay: {
    type: 'histogram',
    name: 'natter_event_loop_delay_seconds',
    help: 'The longest delay of the event loop in each second, one observation per second.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  },
})

export class Metrics {
  private readonly registry = new Registry()
  private readonly stopTracking: () => void

  constructor({ labels = {}, processMetrics = true }: MetricsOptions = {}) {
    this.registry.setDefaultLabels({ ...labels })
    this.stopTracking = processMetrics ? this.measureProcess() : () => {}
  }

  get contentType(): string {
    return this.registry.contentType
  }

  /** Adds the metrics of a table, once per process. What has a reading is asked at each scrape instead of told. */
  register<const T extends MetricTable>(table: T, readings: Readings<T> = {}): Handles<T> {
    const read = readings as Readonly<Record<string, Reading | undefined>>
    const handles = Object.entries(table).map(([key, declaration]) => [
      key,
      this.create(declaration, read[key]),
    ])
    return Object.fromEntries(handles) as Handles<T>
  }

  /** The page for Prometheus. */
  text(): Promise<string> {
    return this.registry.metrics()
  }

  /** Stops what measures by itself and forgets every series. */
  stop(): void {
    this.stopTracking()
    this.registry.clear()
  }

  private measureProcess(): () => void {
    collectDefaultMetrics({ register: this.registry, prefix: 'natter_' })
    const { delay } = this.register(processMetricTable)
    return watchEventLoop((worstSeconds) => delay.observe({}, worstSeconds))
  }

  private create(declaration: MetricDeclaration, reading: Reading | undefined): object {
    const { type, name, help, labels = [], buckets = [] } = declaration
    const common = { name, help, labelNames: [...labels], registers: [this.registry] }
    const bounded = new BoundedLabels(labels, declaration.maxSeries)
    if (type === 'histogram') {
      const histogram = new Histogram({ ...common, buckets: [...buckets] })
      return { observe: (given: Labels, value: number) => histogram.observe(bounded.of(given), value) }
    }
    if (type === 'counter') {
      const counter: Counter = new Counter({
        ...common,
        ...collected(reading, (all) => refill(counter, all)),
      })
      const add = (given: Labels, by = 1): void => counter.inc(bounded.of(given), by)
      const refill = refiller(add)
      return { add }
    }
    const gauge: Gauge = new Gauge({ ...common, ...collected(reading, (all) => refill(gauge, all)) })
    const add = (given: Labels, by: number): void => gauge.inc(bounded.of(given), by)
    const refill = refiller(add)
    return { add, set: (given: Labels, value: number) => gauge.set(bounded.of(given), value) }
  }
}

type Labels = Readonly<Record<string, string | number>>
type Series = readonly { readonly labels: Labels; readonly value: number }[]
type Reading = () => number | Series

function collected(reading: Reading | undefined, refill: (series: Series) => void): { collect?: () => void } {
  if (reading === undefined) return {}
  return {
    collect: () => {
      const read = reading()
      refill(typeof read === 'number' ? [{ labels: {}, value: read }] : read)
    },
  }
}

/** Adds and doesn't set: what M2 has folded into one series has to sum up. */
function refiller(add: (labels: Labels, by: number) => void) {
  return (metric: { reset(): void }, series: Series): void => {
    metric.reset()
    for (const { labels, value } of series) add(labels, value)
  }
}

/** M2. */
class BoundedLabels {
  private readonly seen = new Set<string>()
  private readonly others: Labels

  constructor(
    private readonly names: readonly string[],
    private readonly maxSeries = 100,
  ) {
    this.others = Object.fromEntries(names.map((name) => [name, 'other']))
  }

  of(labels: Labels): Labels {
    const { names, seen } = this
    if (names.length === 0) return labels
    const key = names.map((name) => labels[name]).join('\u0000')
    if (seen.has(key)) return labels
    if (seen.size >= this.maxSeries) return this.others
    seen.add(key)
    return labels
  }
}
