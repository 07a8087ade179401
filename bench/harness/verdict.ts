/**
 * Whether a bar holds. Pure.
 *
 * V1. Where anything was lost there is no figure: a contender that drops work is always faster.
 * V2. A ratio is made within each run and summarized over the runs: machines drift, and both sides drift together.
 * V3. What was not measured is said, never counted as passed.
 */
import type { Bar, BenchResult, Place, Sample } from './results.js'
import { summarize, type Summary } from './statistics.js'

export type Verdict =
  | { is: 'holds' | 'missed'; value: Summary }
  | { is: 'refused'; why: string }
  | { is: 'not measured'; why: string }

type Reading = { is: 'value'; value: number } | Extract<Verdict, { why: string }>

export function judge(bar: Bar, runs: readonly (readonly Sample[])[]): Verdict {
  const values: number[] = []
  for (const run of runs) {
    const reading = readBar(bar, run)
    if (reading.is !== 'value') return reading
    values.push(reading.value)
  }
  if (values.length === 0) return { is: 'not measured', why: 'no run' }
  const value = summarize(values)
  const isGood = bar.holds === 'at most' ? value.median <= bar.limit : value.median >= bar.limit
  return { is: isGood ? 'holds' : 'missed', value }
}

function readBar(bar: Bar, run: readonly Sample[]): Reading {
  const over = read(bar.of, run)
  if (over.is !== 'value' || bar.baseline === undefined) return over
  const under = read(bar.baseline, run)
  return under.is === 'value' ? { is: 'value', value: over.value / under.value } : under // V2
}

function read({ contender, shape, figure }: Place, run: readonly Sample[]): Reading {
  const sample = run.find((one) => one.contender === contender && one.shape === shape)
  const value = sample?.figures[figure]
  if (sample === undefined || value === undefined)
    return { is: 'not measured', why: `${contender} (${shape}) has no ${figure}` } // V3
  if (!isWhole(sample))
    return { is: 'refused', why: `${contender} delivered ${sample.delivered} of ${sample.expected}` } // V1
  return { is: 'value', value }
}

/** More than expected is as wrong as less: something was counted that was not asked for. */
export function isWhole({ delivered, expected }: Sample): boolean {
  return expected > 0 && delivered === expected
}

/** Every bar of a result with its verdict. */
export function judgeAll({
  bars,
  runs,
}: Pick<BenchResult, 'bars' | 'runs'>): { bar: Bar; verdict: Verdict }[] {
  return bars.map((bar) => ({ bar, verdict: judge(bar, runs) }))
}
