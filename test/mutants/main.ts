/**
 * Plants each bug in a copy of the sources and fails unless the checker finds it; then the same run over the sources as they are,
 * which has to find nothing.
 *
 *   npm run test:mutants [-- name…]
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { obtainHelm } from '../../tools/helm.mjs'
import { run } from '../fault/run.js'
import { everything } from '../fuzz/cases.js'
import { run as fuzz } from '../fuzz/run.js'
import { fullSettings } from '../fuzz/settings.js'
import { run as rollChart, type RunResult } from '../install/cluster/run.js'
import { hunt, told } from './hunt.js'
import { mutants, type Finding, type Mutant } from './mutants.js'
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

/** One run of the checker over programs in `source`. The folder stays where something was found. */
async function look(
  { run: what }: Mutant,
  source: string,
  folder: string,
  seed: number,
): Promise<readonly Finding[]> {
  if (what.kind === 'rollout') return (await rollOnce(source, folder)).findings
  if (what.kind === 'fuzz') return await fuzzOnce(what.inputs, source, folder, seed)
  const settings = { ...what.settings, seed }
  return (await run({ settings, source, folder, keep: false, say: () => {} })).violations
}

async function rollOnce(source: string, folder: string): Promise<RunResult> {
  const helm = await obtainHelm(say)
  if (helm === null) throw new Error('there is no Helm, and no Go to build it')
  const size = { clients: 100, gateways: 2, publicationsPerSecond: 20, length: 'brief' as const }
  return await rollChart({ helm, ...size, source, folder, keep: false, say: () => {} })
}

/** Without the figures, which a short run has no time for: what is looked for is seen in single cases. */
async function fuzzOnce(
  inputs: number,
  source: string,
  folder: string,
  seed: number,
): Promise<readonly Finding[]> {
  const few = {
    inputs,
    warmUpInputs: 0,
    memoryBytes: Number.POSITIVE_INFINITY,
    healthyP99Ms: Number.POSITIVE_INFINITY,
  }
  const settings = { ...fullSettings, ...few, seed }
  return (await fuzz({ settings, mix: everything, source, folder, say: () => {} })).findings
}

/** What a planted bug does is no news: its history goes with it. */
async function checkPlanted(mutant: Mutant, source: string, seed: number): Promise<readonly Finding[]> {
  const folder = join(repo, '.natter/fault', `planted-${mutant.name}`)
  try {
    return await look(mutant, source, folder, seed)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function isFound(mutant: Mutant): Promise<boolean> {
  const startMs = performance.now()
  const check = (source: string, seed: number) => checkPlanted(mutant, source, seed)
  const end = await hunt(mutant, { seeds, plant: plantedCopy, check })
  say(`${told(mutant, end)} [${took(startMs)}]`)
  return end.kind === 'found'
}

/** Without the bug the same run is clean, or it would prove nothing. */
async function isClean(mutant: Mutant, source: string): Promise<boolean> {
  const startMs = performance.now()
  const folder = join(repo, '.natter/fault', `control-${mutant.name}`)
  const violations = await look(mutant, source, folder, 1)
  const [first] = violations
  const outcome =
    first === undefined
      ? 'clean'
      : `NOT CLEAN, ${violations.length} findings\n    ${first.rule}: ${first.text}`
  say(`${mutant.name}, control without the bug: ${outcome} [${took(startMs)}]`)
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
