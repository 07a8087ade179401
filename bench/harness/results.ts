/** What a bench leaves behind: raw figures with the machine they come from, one JSON file per bench. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Machine } from './machine.js'
import type { HistogramData } from './statistics.js'

/** One contender under one load, once. */
export interface Sample {
  contender: string
  /** The load in words that are the same in every run, e.g. `20 a turn, 1 channel`. */
  shape: string
  /** Deliveries, acknowledgements or connections that had to happen. */
  expected: number
  /** Those that did. */
  delivered: number
  /** By name with its unit, e.g. `cpuPerDeliveryUs`. */
  figures: Record<string, number>
  /** Microseconds. */
  histogram?: HistogramData
}

/** A sample is found again by these. */
export interface Place {
  contender: string
  shape: string
  figure: string
}

export interface Bar {
  what: string
  /** In the unit of the figure, or a factor where there is a baseline. */
  limit: number
  unit: string
  /** Which side of the limit is good. */
  holds: 'at most' | 'at least'
  of: Place
  /** Of the same run: the bar is on `of ÷ baseline`. */
  baseline?: Place
}

export interface BenchResult {
  bench: string
  /** Layout of this file. */
  version: 1
  date: string
  machine: Machine
  command: string
  /** Smoke runs prove that the bench works, and nothing else. */
  isQuick: boolean
  load: string
  /** What each contender's figures count, by contender. */
  inside: Record<string, string>
  bars: Bar[]
  skipped: { contender: string; reason: string }[]
  runs: Sample[][]
}

export async function writeResult(file: string, result: BenchResult): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const { runs, ...head } = result
  const text = JSON.stringify(head, undefined, 2).slice(0, -2)
  const lines = runs.map(
    (run) => `    [\n${run.map((sample) => `      ${JSON.stringify(sample)}`).join(',\n')}\n    ]`,
  )
  await writeFile(file, `${text},\n  "runs": [\n${lines.join(',\n')}\n  ]\n}\n`)
}

/** @throws Error when the file isn't one of ours. */
export function parseResult(text: string): BenchResult {
  const value = JSON.parse(text) as Partial<BenchResult>
  if (value.version !== 1 || !Array.isArray(value.runs))
    throw new Error('Not a result of this harness: version 1 with runs was expected. Measure again.')
  return value as BenchResult
}

export async function readResult(file: string): Promise<BenchResult> {
  return parseResult(await readFile(file, 'utf8'))
}
