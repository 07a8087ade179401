/**
 * One run from the command line; what it found is the exit code.
 *
 *   node --import ./tools/typescript.mjs test/fault/main.ts [--publications N] [--minutes N] [--seed N] [--keep]
 *
 * 0 = every promise held, 1 = one was broken, 2 = the run itself failed.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { grouped } from './evidence.js'
import { run, type RunResult } from './run.js'
import { ciSettings, longSettings, type Settings } from './settings.js'

const repo = join(import.meta.dirname, '../..')
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const { values } = parseArgs({
  options: {
    publications: { type: 'string' },
    minutes: { type: 'string' },
    seed: { type: 'string' },
    /** Settings as JSON, over those of CI. */
    settings: { type: 'string' },
    /** The folder whose programs run. */
    source: { type: 'string' },
    /** The history stays, whatever comes of it. */
    keep: { type: 'boolean', default: false },
  },
})

function settingsOf(): Settings {
  const seed = Number(values.seed ?? 1 + Math.floor(Math.random() * 1_000_000_000))
  const over = JSON.parse(values.settings ?? '{}') as Partial<Settings>
  if (values.publications === undefined && values.minutes === undefined)
    return { ...ciSettings, seed, ...over }
  const publications = Number(values.publications ?? ciSettings.publications)
  return { ...longSettings(publications, Number(values.minutes ?? publications / 10_000), seed), ...over }
}

function tell({ violations, counts, published, folder }: RunResult): void {
  const { acknowledged, repeats, deliveries, recoveries, resumes, kills } = counts
  say(
    `${published} stored, ${acknowledged} acknowledged, ${repeats} repeats, ${deliveries} deliveries, ${recoveries} recoveries, ` +
      `${resumes} told to resume, ${kills} kills`,
  )
  if (violations.length === 0) return say('every promise held')
  const rules = grouped(violations, ({ rule }) => rule)
  say(
    `${violations.length} violations: ${[...rules].map(([rule, all]) => `${all.length} ${rule}`).join(', ')}`,
  )
  for (const [rule, all] of rules) for (const { text } of all.slice(0, 5)) say(`  ${rule}: ${text}`)
  say(`the history: ${folder}`)
}

/** Ctrl-C, and what nobody foresaw: the run ends in order, and what it started goes with it. */
function interrupted(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => controller.abort(new Error(name)))
  process.once('uncaughtException', (error) => controller.abort(error))
  return controller.signal
}

const settings = settingsOf()
const folder = join(
  repo,
  '.natter/fault',
  `${new Date().toISOString().replaceAll(/[:.]/g, '-')}-seed-${settings.seed}`,
)
say(`seed ${settings.seed}, ${settings.publications} publications in ${settings.durationMs / 1_000} s`)
try {
  const { source = repo, keep } = values
  const result = await run({ settings, source, folder, keep, say, signal: interrupted() })
  tell(result)
  process.exitCode = result.violations.length > 0 ? 1 : 0
} catch (error) {
  say(`the run failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  say(`what there is of it: ${folder}`)
  process.exitCode = 2
}
