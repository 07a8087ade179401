import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { afterAnswer, killAfterMs, probeRuleOf, restartPauseMs, unasked } from './kubelet.js'

describe('a kubelet', () => {
  it('takes a container for alive and not ready before the first answer', () => {
    expect(unasked('liveness').isPassing).toBe(true)
    expect(unasked('readiness').isPassing).toBe(false)
    expect(unasked('startup').isPassing).toBe(false)
  })

  it('turns after as many answers of the other kind in a row as the threshold says, and not before', () => {
    const thresholds = fc.record({
      failureThreshold: fc.integer({ min: 1, max: 4 }),
      successThreshold: fc.integer({ min: 1, max: 4 }),
    })
    fc.assert(
      fc.property(thresholds, fc.array(fc.boolean()), (some, answers) => {
        const rule = { ...probeRuleOf({}), ...some }
        let state = unasked('readiness')
        for (const [n, answer] of answers.entries()) {
          const before = state.isPassing
          state = afterAnswer(rule, state, answer)
          const needed = answer ? rule.successThreshold : rule.failureThreshold
          const row = answers.slice(Math.max(0, n + 1 - needed), n + 1)
          const isEnough = row.length === needed && row.every((one) => one === answer)
          expect(state.isPassing).toBe(isEnough ? answer : before)
        }
      }),
    )
  })

  it('has the defaults of Kubernetes', () => {
    expect(probeRuleOf({})).toEqual({
      initialDelayMs: 0,
      periodMs: 10_000,
      timeoutMs: 1_000,
      failureThreshold: 3,
      successThreshold: 1,
    })
  })

  it('restarts at once, then after 10 s, 20 s and so on up to five minutes', () => {
    expect([0, 1, 2, 3, 6, 99].map(restartPauseMs)).toEqual([0, 10_000, 20_000, 40_000, 300_000, 300_000])
  })

  it('counts the grace period from the deletion, what is done before the signal included, and leaves 2 s for the signal', () => {
    expect(killAfterMs(30_000, 5_000)).toBe(25_000)
    expect(killAfterMs(5_000, 5_000)).toBe(2_000)
  })
})
