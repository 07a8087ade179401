/**
 * Runs one bench so often and keeps what it measured.
 *
 * RB1. A run that takes too long, fails or is interrupted leaves no process behind.
 */
import { natsServerBinary } from '@natter/testing'
import type { Bench } from './bench.js'
import type { Built } from './build.js'
import { describeMachine } from './machine.js'
import { choosePlacement } from './placement.js'
import type { BenchResult, Sample } from './results.js'
import { Stage } from './stage.js'

export interface RunOptions {
  built: Built
  isQuick: boolean
  runs: number
  say(line: string): void
}

const shared = { words: 'all processes share all cores', place: () => {} }

export async function runBench(
  bench: Bench,
  { built, isQuick, runs, say }: RunOptions,
): Promise<BenchResult> {
  const placement = bench.isPlaced ? choosePlacement() : shared
  const skipped = new Map<string, string>()
  const done: Sample[][] = []
  for (let index = 0; index < runs; index += 1) {
    say(`${bench.name}: run ${index + 1} of ${runs}`)
    const stage = new Stage(built, placement)
    const skip = (contender: string, reason: string): void => void skipped.set(contender, reason)
    try {
      const context = { stage, isQuick, skip, say: (line: string) => say(`  ${line}`) }
      done.push(await within(bench.withinMs, bench.run(context)))
    } finally {
      await stage.close() // RB1
    }
  }
  return {
    bench: bench.name,
    version: 1,
    date: new Date().toISOString(),
    machine: describeMachine(natsServerBinary(), placement.words),
    command: `npm run bench -- ${bench.name}${isQuick ? ' --quick' : ''} --runs ${runs}`,
    isQuick,
    load: bench.load(isQuick),
    inside: bench.inside,
    bars: bench.bars,
    skipped: [...skipped].map(([contender, reason]) => ({ contender, reason })),
    runs: done,
  }
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The run took longer than ${timeoutMs / 1000} s`)), timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
