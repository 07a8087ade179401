/** The text of docs/benchmarks.md. Pure. */
import type { Bench } from '../harness/bench.js'
import type { BenchResult } from '../harness/results.js'
import { barText, rowsOf, verdictText, whole, withSpread, type Row } from '../harness/table.js'
import { judgeAll } from '../harness/verdict.js'

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const intro = `# Benchmarks

<!-- Written by \`npm run bench:page\` from bench/results. Change bench/page, not this file. -->

Each figure was measured on the machine that is named beside it, beside its baseline in the same run. Between machines and between
days only the ratios mean something. How it is measured, and what is in each figure: [bench/README.md](../bench/README.md).

- Load comes from processes of its own, at most 250 measured clients each; measured programs are built, and no loader runs in them.
- Three runs; the figure is the median, in brackets the least and the most.
- Percentiles come from all raw samples, never from other percentiles. Latencies count from when a message was due.
- "Delivered" must equal "expected": where anything was lost there is no ratio.
`

const notHere = `## Not measured here

Two shared cores and one machine can't show these. The commands are the same elsewhere.

${table(
  ['What', 'Why not here', 'How'],
  [
    [
      'Rates at which a gateway is full',
      'load, NATS and gateway share two cores; CPU per piece of work is told instead',
      '`npm run bench -- fan-out durable-publish` on 8 cores or more: load and measured process get cores of their own',
    ],
    [
      'More than 15,000 connections of one process',
      '20,000 descriptors per process',
      '`ulimit -n 200000 && npm run bench -- idle-memory` with larger counts in bench/benches/idle-memory.ts',
    ],
    [
      'Latency over a network, and with three replicas',
      'one machine, one NATS server',
      'gateways and a NATS cluster on machines of their own, with one clock; the harness has no mode for it yet',
    ],
    [
      'Memory over days',
      'a run takes minutes',
      '`npm start` under steady load, the resident memory on `/metrics` watched',
    ],
  ],
)}
`

const names = (text: string): string => text.replaceAll('|', '\\|')

function barsOf(results: ReadonlyMap<string, BenchResult>, benches: readonly Bench[]): string {
  const rows = benches.flatMap((bench) => {
    const result = results.get(bench.name)
    const judged = judgeAll({ bars: bench.bars, runs: result?.runs ?? [] })
    return judged.map(({ bar, verdict }) => [names(bar.what), barText(bar), names(verdictText(verdict, bar))])
  })
  return `## Bars\n\n${table(['What', 'Bar', 'Measured'], rows)}\n`
}

/** `cpuPerDeliveryUs` → `cpu per delivery us`. */
const words = (figure: string): string => figure.replaceAll(/([A-Z])/g, ' $1').toLowerCase()

function figuresOf(result: BenchResult): string {
  const rows = rowsOf(result)
  const figures = [...new Set(rows.flatMap((row) => Object.keys(row.figures)))]
  const cell = (row: Row, figure: string): string => {
    const summary = row.figures[figure]
    return summary === undefined ? '' : withSpread(summary)
  }
  const cells = rows.map((row) => {
    const { contender, shape, delivered, expected } = row
    const told = figures.map((figure) => cell(row, figure))
    return [contender, shape, `${whole(delivered)} of ${whole(expected)}`].concat(told)
  })
  return table(['Contender', 'Load', 'Delivered', ...figures.map(words)], cells)
}

function measured(bench: Bench, result: BenchResult): string {
  const { machine } = result
  const inside = Object.entries(result.inside).map(([name, text]) => `- **${name}**: ${text}.`)
  const skipped = result.skipped.map(({ contender, reason }) => `${contender} was skipped: ${reason}.`)
  return [
    `Load: ${result.load}.`,
    `![${bench.title}](benchmarks/${bench.name}.svg)`,
    figuresOf(result),
    ...skipped,
    `In the figures:\n\n${inside.join('\n')}`,
    `\`${result.command}\`, ${result.date.slice(0, 10)}: ${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, ` +
      `Linux ${machine.kernel}, Node ${machine.node}, nats-server ${machine.natsServer}, commit ${machine.commit}; ` +
      `${machine.placement}. Raw: [bench/results/${bench.name}.json](../bench/results/${bench.name}.json)`,
  ].join('\n\n')
}

function section(bench: Bench, result: BenchResult | undefined): string {
  const text =
    result === undefined ? `Not measured yet: \`npm run bench -- ${bench.name}\`.` : measured(bench, result)
  return `## ${bench.title}\n\n${text}\n`
}

export function pageOf(benches: readonly Bench[], results: ReadonlyMap<string, BenchResult>): string {
  const sections = benches.map((bench) => section(bench, results.get(bench.name)))
  return [intro, barsOf(results, benches), ...sections, notHere].join('\n')
}
