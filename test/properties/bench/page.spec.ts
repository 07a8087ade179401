import { describe, expect, it } from '@jest/globals'
import type { Bench } from '../../../bench/harness/bench.js'
import type { BenchResult, Sample } from '../../../bench/harness/results.js'
import { pageOf } from '../../../bench/page/page-text.js'

const bench: Bench = {
  name: 'fan-out',
  title: 'Fan-out',
  apps: [],
  isPlaced: false,
  withinMs: 1,
  load: () => 'some',
  inside: { ours: 'all of it' },
  bars: [
    {
      what: 'ours ÷ bare',
      limit: 1.25,
      unit: '×',
      holds: 'at most',
      of: { contender: 'ours', shape: 's', figure: 'costUs' },
      baseline: { contender: 'bare', shape: 's', figure: 'costUs' },
    },
  ],
  run: () => Promise.resolve([]),
}

const sample = (contender: string, costUs: number, delivered: number): Sample => ({
  contender,
  shape: 's',
  expected: 10,
  delivered,
  figures: { costUs },
})

const resultOf = (runs: Sample[][]): BenchResult => ({
  bench: bench.name,
  version: 1,
  date: '2026-11-21T12:00:00.000Z',
  machine: {
    cpu: 'a processor',
    cores: 2,
    memoryGiB: 8,
    kernel: '6.1',
    node: 'v22',
    natsServer: 'v2.15.1',
    commit: 'abc1234',
    placement: 'all processes share all cores',
  },
  command: 'npm run bench -- fan-out',
  isQuick: false,
  load: 'some',
  inside: bench.inside,
  bars: bench.bars,
  skipped: [{ contender: 'socket.io', reason: 'there is no redis-server on the PATH' }],
  runs,
})

const page = (runs: Sample[][]): string => pageOf([bench], new Map([[bench.name, resultOf(runs)]]))

describe('the page of benchmarks', () => {
  it('shows a refusal in place of a ratio where something was lost, with what was delivered', () => {
    const text = page([[sample('ours', 1, 9), sample('bare', 1, 10)]])
    expect(text).toContain('refused: ours delivered 9 of 10')
    expect(text).toMatch(/\| ours \| s \| 9\S* of 10/)
    expect(text).not.toContain('holds:')
  })

  it('says of each figure where it comes from and what is in it, because without that it means nothing', () => {
    const text = page([[sample('ours', 1, 10), sample('bare', 1, 10)]])
    for (const told of [
      'holds: 1.00 (1.00 to 1.00) ×',
      'a processor',
      'abc1234',
      'npm run bench -- fan-out',
      '**ours**: all of it',
      'socket.io was skipped: there is no redis-server',
      'bench/results/fan-out.json',
    ])
      expect(text).toContain(told)
  })

  it('names a bench without figures as not measured, with the command that measures it', () => {
    const text = pageOf([bench], new Map())
    expect(text).toContain('Not measured yet: `npm run bench -- fan-out`')
    expect(text).toContain('not measured: no run')
  })
})
