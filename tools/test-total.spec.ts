import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { testTotal, totalLine } from './test-total.mjs'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'natter-total-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** As Jest writes them. */
function results(
  kind: string,
  passed: number,
  failed: number,
  broken: number,
  statuses: Record<string, string>,
) {
  const assertionResults = Object.entries(statuses).map(([fullName, status]) => ({ fullName, status }))
  const text = JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    numRuntimeErrorTestSuites: broken,
    testResults: [{ assertionResults }],
  })
  writeFileSync(join(folder, `${kind}.json`), text)
}

describe('the total of all tests', () => {
  it('counts what failed, files that did not load too, and names what was skipped', () => {
    results('unit', 3, 1, 0, { a: 'passed', 'b (skipped: no helm here)': 'pending', c: 'failed' })
    results('install', 2, 0, 2, { d: 'todo' })
    const total = testTotal(['unit', 'install'], folder)
    expect(total).toEqual({
      passed: 5,
      failed: 3,
      skipped: ['unit: b (skipped: no helm here)', 'install: d'],
    })
    expect(totalLine(total)).toBe('5 passed, 3 failed, 2 skipped')
  })

  it('takes no results of a kind that was not run', () => {
    results('fault', 7, 0, 0, {})
    expect(testTotal(['unit'], folder)).toEqual({ passed: 0, failed: 0, skipped: [] })
  })
})
