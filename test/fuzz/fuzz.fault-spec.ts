import { describe, expect, it } from '@jest/globals'
import { startProcess } from '@natter/testing'
import { join } from 'node:path'

/**
 * The size that CI has the time for; `npm run test:fuzz` is the whole of it, and judges how long others wait: beside other tests that says
 * nothing. NATTER_FUZZ_SEED brings a run again.
 */
const size = ['--inputs', '12000', '--settings', '{"warmUpInputs":8000,"healthyP99Ms":10000}']

describe('a gateway that is sent whatever bytes', () => {
  it('neither dies, hangs nor grows, answers with the codes of the protocol alone, and serves the others meanwhile', async () => {
    // a process of its own: Jest's sandbox would take half of the machine
    const run = await startProcess({ args: [join(import.meta.dirname, 'main.ts'), ...size] })
    const { code } = await run.exited
    const report = run.lines.join('\n')
    process.stderr.write(`${report}\n`) // seed and figures, also of a good run
    expect({ code, report }).toEqual({ code: 0, report: expect.stringMatching(/nothing was found/) })
  }, 400_000)
})
