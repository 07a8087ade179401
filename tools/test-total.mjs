/** Sums what Jest wrote as JSON, one file per kind, and names each test that was skipped, with the reason in its name. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './paths.mjs'

export const resultsFolder = join(root, '.natter', 'test-results')

/**
 * @param {readonly string[]} kinds
 * @param {string} [folder] where the results are
 * @returns {{ passed: number, failed: number, skipped: string[] }}
 */
export function testTotal(kinds, folder = resultsFolder) {
  const total = { passed: 0, failed: 0, skipped: [] }
  for (const kind of kinds) {
    const file = join(folder, `${kind}.json`)
    if (existsSync(file)) add(total, kind, JSON.parse(readFileSync(file, 'utf8')))
  }
  return total
}

function add(total, kind, results) {
  total.passed += results.numPassedTests
  // A file that doesn't load has no tests to fail; its run failed all the same.
  total.failed += results.numFailedTests + results.numRuntimeErrorTestSuites
  for (const { assertionResults } of results.testResults) {
    for (const { status, fullName } of assertionResults) {
      if (status === 'pending' || status === 'todo') total.skipped.push(`${kind}: ${fullName}`)
    }
  }
}

/** The line that ends `npm test`. */
export function totalLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped.length} skipped`
}
