/**
 * Ten thousand sockets are held while every process of their app is replaced; what was seen is the exit code.
 *
 *   npm run test:deploy [-- --sockets 10000] [--rounds 2] [--keep]
 *
 * 0 = nothing was dropped, lost or left unanswered, 1 = something was, 2 = the run itself failed.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Histogram } from '../../bench/harness/statistics.js'
import type { Called, Evidence } from './evidence.js'
import { run, type RunResult } from './run.js'
import { fullSettings, type Settings } from './settings.js'

const repo = join(import.meta.dirname, '../..')
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const { values } = parseArgs({
  options: {
    sockets: { type: 'string' },
    rounds: { type: 'string' },
    /** Settings as JSON, over the others. */
    settings: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})

function settingsOf(): Settings {
  const over = JSON.parse(values.settings ?? '{}') as Partial<Settings>
  const { sockets = fullSettings.sockets, rounds = fullSettings.rounds } = values
  const settings = { ...fullSettings, sockets: Number(sockets), rounds: Number(rounds), ...over }
  if (![settings.sockets, settings.rounds].every((count) => Number.isInteger(count) && count > 0))
    throw new Error('--sockets and --rounds are whole numbers above 0')
  return settings
}

function calls(what: string, all: readonly Called[]): string {
  const answered = all.filter(({ outcome }) => outcome === 'answered')
  const repeated = answered.filter(({ sends }) => sends > 1)
  const took = new Histogram()
  for (const { tookMs } of answered) took.record(tookMs)
  const ms = (share: number): string => (took.count === 0 ? '–' : `${took.percentile(share)} ms`)
  return (
    `${what}: ${answered.length} of ${all.length} answered, ${repeated.length} of them after repeats; ` +
    `p50 ${ms(0.5)}, p99 ${ms(0.99)}, longest ${ms(1)}`
  )
}

function tellFigures({
  sockets,
  dropped,
  rpcs,
  published,
  stored,
  heard,
  replaced,
  instances,
}: Evidence): void {
  const deliveries = heard.reduce((sum, one) => sum + one.publications, 0)
  say(
    `${dropped.length} of ${sockets} sockets dropped; ${replaced.length} instances replaced, ${instances.length} in all`,
  )
  say(calls('rpc', rpcs))
  say(calls('publications', published))
  say(`${stored.length} stored, ${deliveries} deliveries`)
}

function tell({ evidence, violations, folder }: RunResult): void {
  tellFigures(evidence)
  if (violations.length === 0) return say('nothing was dropped, lost or left unanswered')
  const counts = new Map<string, number>()
  for (const { rule } of violations) counts.set(rule, (counts.get(rule) ?? 0) + 1)
  say(`${violations.length} violations: ${[...counts].map(([rule, count]) => `${count} ${rule}`).join(', ')}`)
  for (const rule of counts.keys())
    for (const { text } of violations.filter((one) => one.rule === rule).slice(0, 5))
      say(`  ${rule}: ${text}`)
  say(`the history: ${folder}`)
}

const folder = join(repo, '.natter/deploy', new Date().toISOString().replaceAll(/[:.]/g, '-'))
// an ordinary exit, so that what was started ends too
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  const result = await run({ settings: settingsOf(), folder, keep: values.keep, say })
  tell(result)
  process.exitCode = result.violations.length > 0 ? 1 : 0
} catch (error) {
  say(`the run failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  say(`what there is of it: ${folder}`)
  process.exitCode = 2
}
