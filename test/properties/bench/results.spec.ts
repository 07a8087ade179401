import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseResult, readResult, writeResult, type BenchResult } from '../../../bench/harness/results.js'

const result: BenchResult = {
  bench: 'fan-out',
  version: 1,
  date: '2026-11-21T12:00:00.000Z',
  machine: {
    cpu: 'a "quoted" one',
    cores: 2,
    memoryGiB: 8,
    kernel: '6.1',
    node: 'v22',
    natsServer: 'v2.15.1',
    commit: 'abc',
    placement: 'none',
  },
  command: 'npm run bench -- fan-out',
  isQuick: false,
  load: 'some',
  inside: { natter: 'all' },
  bars: [],
  skipped: [],
  runs: [
    [
      {
        contender: 'natter',
        shape: 's',
        expected: 2,
        delivered: 2,
        figures: { us: 0.5 },
        histogram: [[1, 2]],
      },
    ],
    [],
  ],
}

describe('raw results', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'natter-bench-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('are read back as they were written, a sample per line, so that a change of figures is a change of lines', async () => {
    const file = join(folder, 'results', 'fan-out.json')
    await writeResult(file, result)
    expect(await readResult(file)).toEqual(result)
    expect(
      (await readFile(file, 'utf8')).split('\n').filter((line) => line.includes('"figures"')),
    ).toHaveLength(1)
  })

  it('of another layout are refused with a sentence, because a page made from half-understood figures lies', () => {
    expect(() => parseResult(JSON.stringify({ ...result, version: 2 }))).toThrow('Measure again')
    expect(() => parseResult('{}')).toThrow('Measure again')
  })
})
