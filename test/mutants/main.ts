/**
 * Plants each bug in a copy of the sources and fails unless the checker finds it; then the same run over the sources as they are,
 * which has to find nothing.
 *
 *   npm run test:mutants [-- name…]
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../fault/run.js'
import type { Settings } from '../fault/settings.js'
import type { Violation } from '../fault/evidence.js'
import { hunt, told } from './hunt.js'
import { mutants, type Mutant } from './mutants.js'
import { plantedCopy } from './planted-copy.js'

const repo = join(import.meta.dirname, '../..')
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const seeds = [1, 2, 3]

const names = process.argv.slice(2)
const unknown = names.filter((name) => !mutants.some((mutant) => mutant.name === name))
if (unknown.length > 0) {
  say(`No mutant ${unknown.join(', ')}; there are ${mutants.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

const took = (startMs: number): string => `${((performance.now() - startMs) / 1_000).toFixed(0)} s`

async function checkControl(name: string, source: string, settings: Settings): Promise<readonly Violation[]> {
  const folder = join(repo, '.natter/fault', `control-${name}-seed-${settings.seed}`)
  const { violations } = await run({ settings, source, folder, keep: false, say: () => {} })
  return violations
}

/** What a planted bug does is no news: its history goes with it. */
async function checkPlanted(name: string, source: string, settings: Settings): Promise<readonly Violation[]> {
  const folder = join(repo, '.natter/fault', `planted-${name}`)
  try {
    return (await run({ settings, source, folder, keep: false, say: () => {} })).violations
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function isFound(mutant: Mutant): Promise<boolean> {
  const startMs = performance.now()
  const check = (source: string, settings: Settings) => checkPlanted(mutant.name, source, settings)
  const end = await hunt(mutant, { seeds, plant: plantedCopy, check })
  say(`${told(mutant, end)} [${took(startMs)}]`)
  return end.kind === 'found'
}

/** Without the bug the same run is clean, or it would prove nothing. */
async function isClean({ name, settings }: Mutant, source: string): Promise<boolean> {
  const startMs = performance.now()
  const violations = await checkControl(name, source, { ...settings, seed: 1 })
  const [first] = violations
  const outcome =
    first === undefined
      ? 'clean'
      : `NOT CLEAN, ${violations.length} findings\n    ${first.rule}: ${first.text}`
  say(`${name}, control without the bug: ${outcome} [${took(startMs)}]`)
  return first === undefined
}

const chosen = mutants.filter(({ name }) => names.length === 0 || names.includes(name))
const control = await plantedCopy()
const failed: string[] = []
try {
  for (const mutant of chosen) {
    const isGood = (await isFound(mutant)) && (await isClean(mutant, control.folder))
    if (!isGood) failed.push(mutant.name)
  }
} finally {
  await control.remove()
}
say(failed.length === 0 ? `all ${chosen.length} found` : `failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
