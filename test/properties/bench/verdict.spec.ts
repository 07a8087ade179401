import { describe, expect, it } from '@jest/globals'
import type { Bar, Sample } from '../../../bench/harness/results.js'
import { verdictText } from '../../../bench/harness/table.js'
import { judge } from '../../../bench/harness/verdict.js'

const sample = (contender: string, cost: number, delivered = 100): Sample => ({
  contender,
  shape: 'load',
  expected: 100,
  delivered,
  figures: { cost },
})

const place = (contender: string) => ({ contender, shape: 'load', figure: 'cost' })

const ratio: Bar = {
  what: 'ours ÷ bare',
  limit: 1.25,
  unit: '×',
  holds: 'at most',
  of: place('ours'),
  baseline: place('bare'),
}

describe('the verdict on a bar', () => {
  it('is made of the ratio within each run, because both sides of a run drift together', () => {
    const runs = [
      [sample('ours', 10), sample('bare', 10)],
      [sample('ours', 24), sample('bare', 20)],
      [sample('ours', 110), sample('bare', 100)],
    ]
    expect(judge(ratio, runs)).toEqual({ is: 'holds', value: { median: 1.1, min: 1, max: 1.2 } })
  })

  it.each([
    { who: 'ours', delivered: [99, 100] as const },
    { who: 'bare', delivered: [100, 99] as const },
    { who: 'ours', delivered: [101, 100] as const },
  ])(
    'is refused when $who delivered $delivered, in one run of three too: dropping work is no speed',
    (lost) => {
      const [ours, bare] = lost.delivered
      const good = [sample('ours', 10), sample('bare', 10)]
      const verdict = judge(ratio, [good, [sample('ours', 1, ours), sample('bare', 1, bare)], good])
      expect(verdict.is).toBe('refused')
      expect(verdictText(verdict, ratio)).toContain(`${lost.who} delivered`)
      expect(verdict).not.toHaveProperty('value')
    },
  )

  it('is "not measured" where a contender is missing, never a pass', () => {
    const verdict = judge(ratio, [[sample('ours', 1)]])
    expect(verdict).toEqual({ is: 'not measured', why: 'bare (load) has no cost' })
    expect(judge(ratio, []).is).toBe('not measured')
  })

  it('looks at the right side of the limit', () => {
    const { baseline: _, ...plain } = { ...ratio, limit: 10 }
    const runs = (cost: number): Sample[][] => [[sample('ours', cost)]]
    expect(judge(plain, runs(10)).is).toBe('holds')
    expect(judge(plain, runs(11)).is).toBe('missed')
    expect(judge({ ...plain, holds: 'at least' }, runs(9)).is).toBe('missed')
    expect(judge({ ...plain, holds: 'at least' }, runs(11)).is).toBe('holds')
  })
})
