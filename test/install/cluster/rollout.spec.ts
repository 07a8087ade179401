import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Deployment } from './manifests.js'
import { isAvailable, isComplete, nextStep, ruleOf, type PodView, type RolloutRule } from './rollout.js'

const deployment = (spec: Partial<Deployment['spec']>): Deployment => ({
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: { template: { spec: { containers: [] } }, ...spec },
})

describe('the rule of a Deployment', () => {
  it('rounds a share of surge up and one of unavailability down, as Kubernetes does', () => {
    expect(ruleOf(deployment({ replicas: 5 }))).toMatchObject({ maxSurge: 2, maxUnavailable: 1 })
    expect(ruleOf(deployment({ replicas: 3 }))).toMatchObject({ maxSurge: 1, maxUnavailable: 0 })
  })

  it('lets one be unavailable where neither may surge nor lack, because it would never move', () => {
    const rollingUpdate = { maxSurge: 0, maxUnavailable: 0 }
    expect(ruleOf(deployment({ replicas: 2, strategy: { rollingUpdate } }))).toMatchObject({
      maxUnavailable: 1,
    })
  })
})

const rules = fc
  .record({
    replicas: fc.integer({ min: 0, max: 6 }),
    maxSurge: fc.nat(3),
    maxUnavailable: fc.nat(3),
    minReadyMs: fc.constantFrom(0, 3),
    progressDeadlineMs: fc.constant(1_000),
    isRecreate: fc.constant(false),
  })
  .filter(({ maxSurge, maxUnavailable }) => maxSurge + maxUnavailable > 0)

/** What the world may do between two steps of the controller. */
type Turn = 'ready' | 'unready' | 'gone' | 'pass'
const turns = fc.array(
  fc.record({ what: fc.constantFrom<Turn>('ready', 'ready', 'unready', 'gone', 'pass'), which: fc.nat(20) }),
  {
    maxLength: 80,
    size: 'max',
  },
)

class World {
  nowMs = 100
  pods: PodView[]
  private made = 0

  constructor(
    readonly rule: RolloutRule,
    readonly revision: string,
    olds: readonly boolean[],
  ) {
    this.pods = olds.map((isReady) => this.pod('old', isReady ? 1 : undefined))
  }

  get active(): PodView[] {
    return this.pods.filter(({ isDeleting }) => !isDeleting)
  }

  get available(): number {
    return this.pods.filter((pod) => isAvailable(pod, this.rule.minReadyMs, this.nowMs)).length
  }

  /** All the controller wants at the moment, each step checked. */
  settle(check: (before: number) => void): void {
    for (let steps = 0; ; steps += 1) {
      if (steps > 50) throw new Error('it does not come to rest')
      const before = this.available
      const step = nextStep(this.rule, this.revision, this.pods, this.nowMs)
      if (step === undefined) return
      if (step.kind === 'create')
        for (let n = 0; n < step.count; n += 1) this.pods.push(this.pod(this.revision, undefined))
      else for (const pod of this.pods) pod.isDeleting ||= step.names.includes(pod.name)
      check(before)
    }
  }

  take({ what, which }: { what: Turn; which: number }): void {
    this.nowMs += 1
    const pod = this.pods[which % Math.max(1, this.pods.length)]
    if (pod === undefined) return
    if (what === 'ready' && !pod.isDeleting) pod.readySinceMs ??= this.nowMs
    if (what === 'unready') pod.readySinceMs = undefined
    if (what === 'gone' && pod.isDeleting) this.pods = this.pods.filter((one) => one !== pod)
  }

  /** Everything that can become ready does, and what is asked to go goes. */
  lastTurn(): void {
    this.nowMs += this.rule.minReadyMs + 1
    this.pods = this.active
    for (const pod of this.pods) if (pod.revision === this.revision) pod.readySinceMs ??= this.nowMs
  }

  private pod(revision: string, readySinceMs: number | undefined): PodView {
    this.made += 1
    return { name: `pod-${this.made}`, revision, readySinceMs, isDeleting: false, createdMs: this.made }
  }
}

const worlds = fc
  .tuple(rules, fc.array(fc.boolean(), { maxLength: 6 }))
  .map(([rule, olds]) => new World(rule, 'new', olds.slice(0, rule.replicas)))

describe('a pod', () => {
  it('is available when it has been ready for minReadySeconds, and not while it is on its way out', () => {
    const pod = { name: 'p', revision: 'r', readySinceMs: 1_000, isDeleting: false, createdMs: 0 }
    expect([3_999, 4_000].map((nowMs) => isAvailable(pod, 3_000, nowMs))).toEqual([false, true])
    expect(isAvailable({ ...pod, isDeleting: true }, 3_000, 9_000)).toBe(false)
    expect(isAvailable({ ...pod, readySinceMs: undefined }, 0, 9_000)).toBe(false)
  })
})

describe('the controller of a Deployment', () => {
  it('never has more pods than replicas and surge, and never deletes below what must be available, whatever becomes of them', () => {
    fc.assert(
      fc.property(worlds, turns, (world, all) => {
        const { rule } = world
        const check = (before: number): void => {
          expect(world.active.length).toBeLessThanOrEqual(rule.replicas + rule.maxSurge)
          expect(world.available).toBeGreaterThanOrEqual(
            Math.min(before, rule.replicas - rule.maxUnavailable),
          )
        }
        world.settle(check)
        for (const turn of all) {
          world.take(turn)
          world.settle(check)
        }
      }),
    )
  })

  it('comes to an end once new pods become ready: the replicas, all new', () => {
    fc.assert(
      fc.property(worlds, turns, (world, all) => {
        for (const turn of all) {
          world.settle(() => {})
          world.take(turn)
        }
        for (let round = 0; round < 40; round += 1) {
          world.settle(() => {})
          world.lastTurn()
        }
        world.settle(() => {})
        expect(isComplete(world.rule, 'new', world.pods, world.nowMs)).toBe(true)
        expect(world.active.every(({ revision }) => revision === 'new')).toBe(true)
      }),
    )
  })

  it('leaves the old ones that must be available when the new ones never become ready', () => {
    fc.assert(
      fc.property(rules, (rule) => {
        const world = new World(
          rule,
          'new',
          Array.from({ length: rule.replicas }, () => true),
        )
        world.nowMs += rule.minReadyMs
        world.settle(() => {})
        expect(world.available).toBeGreaterThanOrEqual(rule.replicas - rule.maxUnavailable)
        expect(nextStep(rule, 'new', world.pods, world.nowMs + 1_000)).toBeUndefined()
      }),
    )
  })

  it('makes the first new one under Recreate only when the last old one is gone', () => {
    const rule = { ...ruleOf(deployment({ replicas: 2 })), isRecreate: true }
    const world = new World(rule, 'new', [true, true])
    expect(nextStep(rule, 'new', world.pods, 100)).toEqual({ kind: 'delete', names: ['pod-1', 'pod-2'] })
    for (const pod of world.pods) pod.isDeleting = true
    expect(nextStep(rule, 'new', world.pods, 100)).toBeUndefined()
    expect(nextStep(rule, 'new', [], 100)).toEqual({ kind: 'create', count: 2 })
  })
})
