import { describe, expect, it } from '@jest/globals'
import { ciSettings } from '../fault/settings.js'
import { hunt, told, type HuntParts } from './hunt.js'
import type { Finding, Mutant } from './mutants.js'
import { PatchDoesNotApply } from './planted-copy.js'

const run: Mutant['run'] = { kind: 'faults', settings: ciSettings }
const mutant: Mutant = { name: 'some-bug', rules: ['missed'], run }

/** A hunt whose runs find what is listed, in turn; the last one again and again. */
function hunting(...runs: readonly (readonly Finding[])[]) {
  const seen: number[] = []
  let removed = 0
  const parts: HuntParts = {
    seeds: [1, 2, 3],
    plant: () => Promise.resolve({ folder: '/copy', remove: () => Promise.resolve(void (removed += 1)) }),
    check: (_source, seed) => Promise.resolve(runs[seen.push(seed) - 1] ?? runs.at(-1) ?? []),
  }
  return { parts, seen, removed: () => removed }
}

const missed: Finding = { rule: 'missed', text: 'ana missed one' }

describe('the hunt for a planted bug', () => {
  it('reports a harmless patch as not found, which is a failure: a checker that sees nothing would pass everything', async () => {
    const { parts, seen, removed } = hunting([])
    const end = await hunt(mutant, parts)
    expect(end).toEqual({ kind: 'not-found', seeds: [1, 2, 3], others: 0 })
    expect(told(mutant, end)).toMatch(/NOT FOUND with seeds 1, 2, 3/)
    expect(seen).toEqual([1, 2, 3])
    expect(removed()).toBe(1)
  })

  it('tries another seed, and stops at the first that finds it', async () => {
    const { parts, seen } = hunting([], [missed])
    expect(await hunt(mutant, parts)).toEqual({
      kind: 'found',
      seed: 2,
      findings: 1,
      text: 'missed: ana missed one',
    })
    expect(seen).toEqual([1, 2])
  })

  it('does not take a finding of another kind for this bug', async () => {
    const { parts } = hunting([{ rule: 'archive-twice', text: 'a row' }])
    expect(await hunt(mutant, parts)).toMatchObject({ kind: 'not-found', others: 3 })
  })

  it('fails with a sentence that says what to do when the patch does not apply any more', async () => {
    const { parts } = hunting([missed])
    const plant = () =>
      Promise.reject(new PatchDoesNotApply('x.patch does not apply any more: write it anew.'))
    const end = await hunt(mutant, { ...parts, plant })
    expect(end).toMatchObject({ kind: 'does-not-apply' })
    expect(told(mutant, end)).toMatch(/FAILED, x.patch does not apply any more: write it anew/)
  })

  it('fails when a run fails, since nothing was judged', async () => {
    const { parts, removed } = hunting()
    const check = () => Promise.reject(new Error('no port'))
    expect(await hunt(mutant, { ...parts, check })).toEqual({ kind: 'run-failed', text: 'no port' })
    expect(removed()).toBe(1)
  })
})
