/**
 * Generated input on a live gateway; what it found is the exit code.
 *
 *   npm run test:fuzz [-- --inputs N] [--seed N] [--case N] [--settings '{"atOnce":8}']
 *
 * 0 = nothing was found, 1 = something was, 2 = the run itself failed. `--case` plays one case of the seed alone, and prints it.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { everything, type Mix } from './cases.js'
import { run, type Health, type RunResult } from './run.js'
import { fullSettings, type Settings } from './settings.js'

const repo = join(import.meta.dirname, '../..')
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const { values } = parseArgs({
  options: {
    inputs: { type: 'string' },
    seed: { type: 'string' },
    case: { type: 'string' },
    /** Settings as JSON, over the others. */
    settings: { type: 'string' },
    /** What is tried, as JSON, over all there is. */
    mix: { type: 'string' },
    /** The folder whose gateway runs. */
    source: { type: 'string' },
  },
})

function settingsOf(): Settings {
  const seed = Number(
    values.seed ?? process.env['NATTER_FUZZ_SEED'] ?? 1 + Math.floor(Math.random() * 1_000_000_000),
  )
  const over = JSON.parse(values.settings ?? '{}') as Partial<Settings>
  const inputs = Number(values.inputs ?? fullSettings.inputs)
  const settings = { ...fullSettings, inputs, seed, ...over }
  if (
    ![settings.inputs, settings.seed, settings.atOnce].every((count) => Number.isInteger(count) && count > 0)
  )
    throw new Error('--inputs and --seed are whole numbers above 0')
  return settings
}

const mix: Mix = { ...everything, ...(JSON.parse(values.mix ?? '{}') as Partial<Mix>) }

function tell({ findings, figures, folder }: RunResult): void {
  const { cases, inputs, tookMs, ends, answers, healthy, undisturbed, before, after, grownBytes } = figures
  const counted = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .toSorted(([, a], [, b]) => b - a)
      .map(([name, many]) => `${many} × ${name}`)
      .join(', ')
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
  say(`${inputs} inputs in ${cases} cases, ${(tookMs / 1_000).toFixed(0)} s`)
  say(`ends: ${counted(ends)}`)
  say(`answers by error code: ${counted(answers)}`)
  const trips = ({ p50, p99, max, lateP99, count }: Health): string =>
    `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, longest ${max.toFixed(1)} ms of ${count}; sent late by p99 ${lateP99.toFixed(1)} ms`
  say(`healthy clients, before: ${trips(undisturbed)}`)
  say(`healthy clients, beside the input: ${trips(healthy)}`)
  say(
    `memory after forced collections: ${mib(before.rss)} MiB resident before, ${mib(after.rss)} after (${mib(grownBytes)} more); ` +
      `heap ${mib(before.heapUsed)}, then ${mib(after.heapUsed)}`,
  )
  if (findings.length === 0) return say('nothing was found')
  const rules = new Map<string, number>()
  for (const { rule } of findings) rules.set(rule, (rules.get(rule) ?? 0) + 1)
  say(`${findings.length} findings: ${[...rules].map(([rule, many]) => `${many} ${rule}`).join(', ')}`)
  say(`the cases: ${folder}`)
}

// an ordinary exit, so that what was started ends too
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  const settings = settingsOf()
  const folder = join(
    repo,
    '.natter/fuzz',
    `${new Date().toISOString().replaceAll(/[:.]/g, '-')}-seed-${settings.seed}`,
  )
  say(
    `seed ${settings.seed}, ${settings.inputs} inputs (NATTER_FUZZ_SEED=${settings.seed} brings the same ones)`,
  )
  const only = values.case === undefined ? {} : { only: Number(values.case) }
  const result = await run({ settings, mix, source: values.source ?? repo, folder, say, ...only })
  tell(result)
  process.exitCode = result.findings.length > 0 ? 1 : 0
} catch (error) {
  say(`the run failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  process.exitCode = 2
}
