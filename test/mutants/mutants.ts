/** The planted bugs and the run that has to find each: short, and full of what brings that bug to light. */
import { ciSettings, type Settings } from '../fault/settings.js'
import type { Finding as FuzzFinding } from '../fuzz/judge.js'
import type { Finding as ClusterFinding } from '../install/cluster/judge.js'

export type Finding = ClusterFinding | FuzzFinding

export interface Mutant {
  /** Of the patch. */
  name: string
  /** What is said when it is found; another finding is not this bug. */
  rules: readonly Finding['rule'][]
  run: { kind: 'faults'; settings: Settings } | { kind: 'rollout' } | { kind: 'fuzz'; inputs: number }
}

/** A run of `test/fault` without faults and archive, to which each mutant adds what it needs. */
const calm: Settings = {
  ...ciSettings,
  hasArchive: false,
  publications: 800,
  durationMs: 10_000,
  briefs: 0,
  churns: 20,
  stalls: 0,
  gatewayKills: 0,
  persistenceKills: 0,
  gatewayPauses: 0,
  persistencePauses: 0,
  natsPauses: 0,
  postgresPauses: 0,
  gatewayRestarts: 0,
}

const faults = (settings: Partial<Settings>): Mutant['run'] => ({
  kind: 'faults',
  settings: { ...calm, ...settings },
})

export const mutants: readonly Mutant[] = [
  {
    name: 'acknowledge-early',
    rules: ['acknowledged-before-stored', 'acknowledged-not-stored'],
    run: faults({ natsPauses: 4, gatewayKills: 2 }),
  },
  {
    name: 'skip-the-splice',
    rules: ['missed'],
    run: faults({ churns: 100, gatewayKills: 2 }),
  },
  {
    name: 'forget-the-flush',
    rules: ['missed'],
    // who is killed recovers what was lost, so nobody is
    run: faults({ publications: 1_000, briefs: 300, churns: 0 }),
  },
  {
    name: 'checkpoint-outside-the-transaction',
    rules: ['archive-missing'],
    run: faults({
      hasArchive: true,
      publications: 1_500,
      durationMs: 15_000,
      postgresPauses: 4,
      persistenceKills: 3,
    }),
  },
  {
    name: 'send-after-a-dropped-frame',
    rules: ['missed'],
    run: faults({ stalls: 3, durationMs: 14_000 }),
  },
  {
    name: 'ready-while-draining',
    rules: ['ready-while-ending'],
    run: { kind: 'rollout' },
  },
  {
    name: 'swallow-an-error',
    rules: ['hung'],
    run: { kind: 'fuzz', inputs: 400 },
  },
  {
    name: 'let-a-syntax-error-out',
    rules: ['logged-bug'],
    run: { kind: 'fuzz', inputs: 400 },
  },
]
