/** Results as people read them. Pure. */
import type { Bar, BenchResult, Sample } from './results.js'
import { summarize, type Summary } from './statistics.js'
import { judgeAll, type Verdict } from './verdict.js'

/** Of things that come in wholes. */
export const whole = (count: number): string => Math.round(count).toLocaleString('en-US')

/** Three digits that count, without an exponent. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  if (size >= 1000) return whole(value)
  return size >= 100
    ? value.toFixed(0)
    : size >= 10
      ? value.toFixed(1)
      : size >= 1
        ? value.toFixed(2)
        : value.toFixed(3)
}

export const withSpread = ({ median, min, max }: Summary): string =>
  `${digits(median)} (${digits(min)} to ${digits(max)})`

export interface Row {
  contender: string
  shape: string
  delivered: number
  expected: number
  figures: Record<string, Summary>
}

/** One row per contender and shape, in the order of the first run. */
export function rowsOf({ runs }: Pick<BenchResult, 'runs'>): Row[] {
  const groups = new Map<string, Sample[]>()
  for (const sample of runs.flat()) {
    const key = `${sample.contender}\n${sample.shape}`
    groups.set(key, [...(groups.get(key) ?? []), sample])
  }
  return [...groups.values()].map(rowOf)
}

function rowOf(samples: Sample[]): Row {
  const [{ contender, shape, figures } = { contender: '', shape: '', figures: {} }] = samples
  const total = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0)
  const summaries = Object.keys(figures).map((name) => {
    const values = samples.map((sample) => sample.figures[name] ?? Number.NaN)
    return [name, summarize(values)] as const
  })
  return {
    contender,
    shape,
    delivered: total((sample) => sample.delivered),
    expected: total((sample) => sample.expected),
    figures: Object.fromEntries(summaries),
  }
}

export const barText = ({ holds, limit, unit }: Bar): string => `${holds} ${digits(limit)} ${unit}`

export function verdictText(verdict: Verdict, { unit }: Bar): string {
  if (verdict.is === 'refused' || verdict.is === 'not measured') return `${verdict.is}: ${verdict.why}`
  return `${verdict.is}: ${withSpread(verdict.value)} ${unit}`
}

/** For the terminal. */
export function report(result: BenchResult): string {
  const lines = [
    `${result.bench}${result.isQuick ? ' (smoke run: the figures say nothing)' : ''}`,
    `  ${result.command}`,
    `  ${result.load}`,
    '',
  ]
  for (const row of rowsOf(result)) {
    const figures = Object.entries(row.figures).map(([name, summary]) => `${name} ${withSpread(summary)}`)
    lines.push(
      `  ${row.contender}, ${row.shape}: ${row.delivered} of ${row.expected}`,
      `      ${figures.join('; ')}`,
    )
  }
  for (const { contender, reason } of result.skipped) lines.push(`  ${contender}: skipped, ${reason}`)
  lines.push('')
  for (const { bar, verdict } of judgeAll(result))
    lines.push(`  ${bar.what}: bar ${barText(bar)}; ${verdictText(verdict, bar)}`)
  return lines.join('\n')
}
