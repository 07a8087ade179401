/** The plot of each bench, from its raw figures: medians as bars, the spread of the runs as lines over them. */
import type { TopLevelSpec } from 'vega-lite'
import { digits, rowsOf, type Row } from '../harness/table.js'
import { Histogram } from '../harness/statistics.js'
import type { BenchResult, Sample } from '../harness/results.js'

const ours = '#d1495b'
const others = '#8d99ae'

/** One group of bars: a figure of some rows, under a title of its own. */
interface Panel {
  title: string
  axis: string
  figure: string
  rows(row: Row): boolean
  label(row: Row): string
  isLog?: boolean
}

const isOurs = ({ contender }: Row): boolean => /^(natter|gateway|libs|persistence)/.test(contender)

function barsOf(result: BenchResult, panel: Panel): object {
  const values = rowsOf(result)
    .filter((row) => row.figures[panel.figure] !== undefined && panel.rows(row))
    .map((row) => {
      const { median, min, max } = row.figures[panel.figure] ?? { median: 0, min: 0, max: 0 }
      const side = isOurs(row) ? 'ours' : 'other'
      return { label: panel.label(row), median, min, max, text: digits(median), side }
    })
  const smallest = Math.min(...values.map(({ min }) => min))
  const floor = 10 ** Math.floor(Math.log10(Math.max(smallest / 2, 1e-3)))
  const scale = panel.isLog === true ? { type: 'log', domainMin: floor } : { zero: true }
  const y = { field: 'label', type: 'nominal', sort: null, title: null, axis: { labelLimit: 300 } }
  const x = { field: 'median', type: 'quantitative', title: panel.axis, scale }
  return {
    title: { text: panel.title, anchor: 'start', fontSize: 13 },
    width: 480,
    height: { step: 26 },
    data: { values },
    layer: [
      {
        // a bar on a logarithmic scale has no honest beginning
        mark:
          panel.isLog === true
            ? { type: 'point', filled: true, size: 110, opacity: 1 }
            : { type: 'bar', height: 16 },
        encoding: {
          y,
          x,
          color: {
            field: 'side',
            type: 'nominal',
            legend: null,
            scale: { domain: ['ours', 'other'], range: [ours, others] },
          },
        },
      },
      {
        mark: { type: 'rule', strokeWidth: 1.5, color: '#222' },
        encoding: { y, x: { field: 'min', type: 'quantitative' }, x2: { field: 'max' } },
      },
      {
        mark: { type: 'text', align: 'left', dx: 9, fontSize: 11 },
        encoding: { y, x: { field: 'max', type: 'quantitative' }, text: { field: 'text' } },
      },
    ],
  }
}

const stacked = (panels: object[]): TopLevelSpec => ({ vconcat: panels }) as unknown as TopLevelSpec

const perDelivery = (batch: number): Panel => ({
  title: `${batch} message${batch === 1 ? '' : 's'} a turn`,
  axis: 'CPU per delivery, µs (logarithmic; median, line: spread of the runs)',
  figure: 'cpuPerDeliveryUs',
  rows: ({ shape }) => shape.startsWith(`${batch} a turn`),
  label: ({ contender, shape }) => `${contender}, ${shape.split(', ')[1] ?? ''}`,
  isLog: true,
})

const everything = (title: string, axis: string, figure: string): Panel => ({
  title,
  axis,
  figure,
  rows: () => true,
  label: ({ contender }) => contender,
})

const contenderAndShape = ({ contender, shape }: Row): string => `${contender}, ${shape}`

/** Latency by share of the deliveries, from the raw samples of all runs. */
function curves(result: BenchResult): TopLevelSpec {
  const shares = [0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999]
  const samples = result.runs.flat()
  const lineOf = ({ contender, shape }: Sample): string =>
    `${contender}, ${shape.replace(/ publications\/s.*/, '/s')}`
  const values = [...new Set(samples.map(lineOf))].flatMap((shape) => {
    const same = samples.filter((sample) => lineOf(sample) === shape)
    const all = Histogram.merge(same.map(({ histogram }) => histogram ?? []))
    return shares.map((share) => ({
      shape,
      tail: 1 - share,
      ms: all.percentile(share) / 1000,
    }))
  })
  return {
    width: 520,
    height: 260,
    data: { values },
    mark: { type: 'line', point: true, interpolate: 'monotone' },
    encoding: {
      x: {
        field: 'tail',
        type: 'quantitative',
        scale: { type: 'log', reverse: true },
        axis: {
          values: [0.5, 0.1, 0.01, 0.001, 0.0001],
          labelExpr: "'p' + format((1 - datum.value) * 100, '~f')",
          title: 'share of deliveries, all runs together',
        },
      },
      y: { field: 'ms', type: 'quantitative', title: 'due → read, ms', scale: { zero: true } },
      color: {
        field: 'shape',
        type: 'nominal',
        title: null,
        legend: { orient: 'top', columns: 1, labelLimit: 400 },
      },
    },
  }
}

const plots: Record<string, (result: BenchResult) => TopLevelSpec> = {
  'fan-out': (result) => stacked([1, 20].map((batch) => barsOf(result, perDelivery(batch)))),
  delta: (result) =>
    stacked([
      ...[1, 20].map((batch) => barsOf(result, perDelivery(batch))),
      barsOf(result, {
        ...everything('Bytes', 'payload of frames per delivery, 1 a turn', 'bytesPerDelivery'),
        rows: ({ shape }) => shape.startsWith('1 a turn'),
        label: ({ contender, shape }) => `${contender}, ${shape.split(', ')[1] ?? ''}`,
      }),
    ]),
  'idle-memory': (result) =>
    stacked([
      barsOf(result, {
        ...everything(
          'Per connection',
          'RSS, KB (median, line: spread of the runs)',
          'kilobytesPerConnection',
        ),
        label: ({ contender, shape }) => `${contender}, ${shape}`,
      }),
    ]),
  'durable-publish': (result) =>
    stacked([
      barsOf(result, everything('CPU of the publishing process', 'µs per acknowledgement', 'cpuPerAckUs')),
      barsOf(result, everything('Rate', 'acknowledgements per second', 'acksPerSecond')),
    ]),
  latency: curves,
  hooks: (result) =>
    stacked([
      barsOf(result, everything('Due → acknowledged, p50', 'ms', 'p50Ms')),
      barsOf(result, everything('Due → acknowledged, p99', 'ms', 'p99Ms')),
      barsOf(result, everything('CPU of the gateway', 'µs per acknowledgement', 'gatewayCpuPerAckUs')),
      barsOf(result, everything('CPU of the app', 'µs per acknowledgement', 'appCpuPerAckUs')),
    ]),
  connects: (result) =>
    stacked(
      [
        everything(
          'CPU of the server',
          'µs per connect (median, line: spread of the runs)',
          'cpuPerConnectUs',
        ),
        everything('Rate', 'connects per second', 'perSecond'),
      ].map((panel) => barsOf(result, { ...panel, label: contenderAndShape })),
    ),
  storm: (result) =>
    stacked(
      [
        everything('Ping of who is there, in the storm', 'p99, ms', 'pingP99Ms'),
        everything('Ping of who is there, in the calm', 'p99, ms', 'calmPingP99Ms'),
        everything('Refusal', 'p99, due → 503, ms', 'refusalP99Ms'),
      ].map((panel) => barsOf(result, { ...panel, label: contenderAndShape })),
    ),
  archive: (result) =>
    stacked([
      barsOf(result, everything('Rate', 'rows per second, committed', 'rowsPerSecond')),
      barsOf(result, everything('Lag under steady load', 'p99, due → committed, ms', 'p99Ms')),
    ]),
}

/** @throws Error for a bench that has none. */
export function plotOf(result: BenchResult): TopLevelSpec {
  const plot = plots[result.bench]
  if (plot === undefined)
    throw new Error(`There is no plot for ${result.bench}: add one in bench/page/plots.ts`)
  return plot(result)
}
