/**
 * Runs benches and prints what they found, with the bars of docs/benchmarks.md.
 *
 *   npm run bench -- [name…] [--quick] [--runs 3]
 *
 * Without a name: all. `--quick` is a smoke run of seconds that proves the bench works; it writes to `.natter/bench`, never over the
 * figures in `bench/results`. Exit code 1: a bench failed, or lost something. A bar that is missed is told, and is no failure.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { benches } from './benches/index.js'
import type { Bench } from './harness/bench.js'
import { build, root } from './harness/build.js'
import { writeResult } from './harness/results.js'
import { runBench } from './harness/run-bench.js'
import { report } from './harness/table.js'
import { isWhole } from './harness/verdict.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, runs: { type: 'string' } },
})

const isQuick = values.quick
const runs = Number(values.runs ?? (isQuick ? 1 : 3))
const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name))
if (unknown.length > 0 || !Number.isInteger(runs) || runs < 1) {
  console.error(
    `Usage: npm run bench -- [${benches.map(({ name }) => name).join('|')}]… [--quick] [--runs 3]`,
  )
  process.exit(2)
}
// an ordinary exit, so that children end too
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const chosen = benches.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
const built = await build([...new Set(chosen.flatMap(({ apps }) => apps))])
const folder = join(root, isQuick ? '.natter/bench' : 'bench/results')

async function one(bench: Bench): Promise<boolean> {
  const startedAt = performance.now()
  const say = (line: string): void => console.error(line)
  try {
    const result = await runBench(bench, { built, isQuick, runs, say })
    await writeResult(join(folder, `${bench.name}.json`), result)
    console.log(`\n${report(result)}\n  took ${Math.round((performance.now() - startedAt) / 1000)} s\n`)
    return result.runs.flat().every(isWhole)
  } catch (error) {
    console.error(`${bench.name} failed:`, error)
    return false
  }
}

let isGood = true
for (const bench of chosen) isGood = (await one(bench)) && isGood
process.exit(isGood ? 0 : 1)
