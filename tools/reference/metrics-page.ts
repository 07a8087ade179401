import type { MetricDeclaration } from '@natter/observability'
import { metricTables } from './declarations.js'
import { code, generatedNote, page, table } from './markdown.js'

export async function metricsPage(): Promise<string> {
  const sections = metricTables.map(
    ({ process, table: metrics }) =>
      `## ${process}\n\n${table(
        ['Metric', 'Type', 'Labels', 'What it tells'],
        Object.values(metrics).map((metric) => row(metric)),
      )}`,
  )
  return await page(
    '# Metrics',
    generatedNote,
    'Each process tells its own at `/metrics` of its [private port](../operations/laptop.md#ports), with the label `node` on every series. ' +
      'What to watch is in [operations](../operations/metrics.md#watch-these). ' +
      'Besides these there are the usual ones of a Node process (memory, CPU, garbage collection, handles) as `natter_process_…` and `natter_nodejs_…`.',
    ...sections,
  )
}

function row({ name, type, labels = [], help }: MetricDeclaration): string[] {
  return [code(name), type, labels.map((label) => code(label)).join(', '), help]
}
