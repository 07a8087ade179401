import { describe, expect, it } from '@jest/globals'
import { startProcess } from '@natter/testing'
import { join } from 'node:path'

/** The size of a run by hand; absent, it is CI's. See docs/testing.md. */
const { NATTER_FAULT_PUBLICATIONS, NATTER_FAULT_MINUTES, NATTER_FAULT_SEED } = process.env

const flags = [
  ...(NATTER_FAULT_PUBLICATIONS ? ['--publications', NATTER_FAULT_PUBLICATIONS] : []),
  ...(NATTER_FAULT_MINUTES ? ['--minutes', NATTER_FAULT_MINUTES] : []),
  ...(NATTER_FAULT_SEED ? ['--seed', NATTER_FAULT_SEED] : []),
]

const minutes = Number(NATTER_FAULT_MINUTES ?? Number(NATTER_FAULT_PUBLICATIONS ?? 0) / 10_000)

describe('a mesh whose processes die', () => {
  it(
    'keeps, delivers once and archives once whatever it acknowledged, while gateways and persistence are killed and paused',
    async () => {
      // a process of its own: Jest's sandbox would take half of the machine, and its clients must not wait
      const run = await startProcess({ args: [join(import.meta.dirname, 'main.ts'), ...flags] })
      const { code } = await run.exited
      const report = run.lines.join('\n')
      process.stderr.write(`${report}\n`) // seed and figures, also of a good run
      expect({ code, report }).toEqual({ code: 0, report: expect.stringMatching(/every promise held/) })
      const kills = Number(/(\d+) kills/.exec(report)?.[1])
      expect(kills).toBeGreaterThanOrEqual(10)
    },
    (minutes + 4) * 60_000,
  )
})
