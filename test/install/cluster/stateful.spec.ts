import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { nextSetStep, type SetPodView } from './stateful.js'

const rule = { name: 'nats', replicas: 3, isParallel: false }
const pod = (n: number, more: Partial<SetPodView> = {}): SetPodView => ({
  name: `nats-${n}`,
  revision: 'new',
  isReady: true,
  isDeleting: false,
  ...more,
})

describe('the controller of a StatefulSet', () => {
  it('makes one after the other, each when the one before is ready', () => {
    expect(nextSetStep(rule, 'new', [])).toEqual({ kind: 'create', name: 'nats-0' })
    expect(nextSetStep(rule, 'new', [pod(0, { isReady: false })])).toBeUndefined()
    expect(nextSetStep(rule, 'new', [pod(0)])).toEqual({ kind: 'create', name: 'nats-1' })
  })

  it('makes all at once where the set is parallel', () => {
    const parallel = { ...rule, isParallel: true }
    expect(nextSetStep(parallel, 'new', [pod(0, { isReady: false })])).toEqual({
      kind: 'create',
      name: 'nats-1',
    })
  })

  it('replaces one at a time from the highest number, and waits until it is back', () => {
    const old = { revision: 'old' }
    expect(nextSetStep(rule, 'new', [pod(0, old), pod(1, old), pod(2, old)])).toEqual({
      kind: 'delete',
      name: 'nats-2',
    })
    expect(nextSetStep(rule, 'new', [pod(0, old), pod(1, old), pod(2, { isReady: false })])).toBeUndefined()
    expect(nextSetStep(rule, 'new', [pod(0, old), pod(1, old), pod(2)])).toEqual({
      kind: 'delete',
      name: 'nats-1',
    })
  })

  it('never has two pods of a name, nor lacks two of a whole set in an update', () => {
    const many = fc.array(fc.constantFrom('ready', 'gone', 'pass'), { maxLength: 60, size: 'max' })
    fc.assert(
      fc.property(many, (turns) => {
        let pods = [0, 1, 2].map((n) => pod(n, { revision: 'old' }))
        for (const turn of turns) {
          const step = nextSetStep(rule, 'new', pods)
          if (step?.kind === 'create') pods.push(pod(Number(step.name.at(-1)), { isReady: false }))
          if (step?.kind === 'delete') for (const one of pods) one.isDeleting ||= one.name === step.name
          expect(new Set(pods.map(({ name }) => name)).size).toBe(pods.length)
          expect(
            pods.filter(({ isReady, isDeleting }) => isReady && !isDeleting).length,
          ).toBeGreaterThanOrEqual(2)
          if (turn === 'ready') for (const one of pods) one.isReady = true
          if (turn === 'gone') pods = pods.filter(({ isDeleting }) => !isDeleting)
        }
      }),
    )
  })
})
