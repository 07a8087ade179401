/**
 * Whether the checker finds a planted bug. A bug that it doesn't find, a patch that doesn't apply and a run that fails are all
 * failures: what was not seen to work does not work.
 *
 * H1. Several seeds are tried before a bug counts as not found: chance has to bring the moment, and a seed can't promise it.
 * H2. Only the findings that this bug causes count.
 */
import type { Finding, Mutant } from './mutants.js'
import { PatchDoesNotApply, type PlantedCopy } from './planted-copy.js'

export type HuntEnd =
  | { kind: 'found'; seed: number; findings: number; text: string }
  | { kind: 'not-found'; seeds: number[]; others: number }
  | { kind: 'does-not-apply'; text: string }
  | { kind: 'run-failed'; text: string }

export interface HuntParts {
  seeds: readonly number[]
  plant(name: string): Promise<PlantedCopy>
  /** One run of the checker over the programs in the folder. */
  check(source: string, seed: number): Promise<readonly Finding[]>
}

export async function hunt(mutant: Mutant, parts: HuntParts): Promise<HuntEnd> {
  let copy: PlantedCopy
  try {
    copy = await parts.plant(mutant.name)
  } catch (error) {
    if (error instanceof PatchDoesNotApply) return { kind: 'does-not-apply', text: error.message }
    throw error
  }
  try {
    return await search(mutant, copy.folder, parts)
  } catch (error) {
    return { kind: 'run-failed', text: error instanceof Error ? error.message : String(error) }
  } finally {
    await copy.remove()
  }
}

/** H1. */
async function search({ rules }: Mutant, source: string, { seeds, check }: HuntParts): Promise<HuntEnd> {
  let others = 0
  for (const seed of seeds) {
    const violations = await check(source, seed)
    const findings = violations.filter(({ rule }) => rules.includes(rule)) // H2
    const [first] = findings
    if (first !== undefined)
      return { kind: 'found', seed, findings: findings.length, text: `${first.rule}: ${first.text}` }
    others += violations.length
  }
  return { kind: 'not-found', seeds: [...seeds], others }
}

export function told(mutant: Pick<Mutant, 'name'>, end: HuntEnd): string {
  switch (end.kind) {
    case 'found':
      return `${mutant.name}: found with seed ${end.seed}, ${end.findings} times\n    ${end.text}`
    case 'not-found': {
      const others = end.others > 0 ? ` (${end.others} findings that it can't have caused)` : ''
      return `${mutant.name}: NOT FOUND with seeds ${end.seeds.join(', ')}${others}: the checker would miss this bug`
    }
    case 'does-not-apply':
      return `${mutant.name}: FAILED, ${end.text}`
    case 'run-failed':
      return `${mutant.name}: FAILED, the run itself: ${end.text}`
  }
}
