import { describe, expect, it } from '@jest/globals'
import { startProcess } from '@natter/testing'
import { join } from 'node:path'

/** The size that CI has the time for; `npm run test:deploy` is the whole of it. */
const size = ['--sockets', '500', '--settings', '{"pauseMs":300}']

describe('an app whose every instance is replaced under load', () => {
  it('costs no socket and leaves no rpc or publication unanswered that is sent again, be the old instances asked to end or killed', async () => {
    // a process of its own: Jest's sandbox would take half of the machine
    const run = await startProcess({ args: [join(import.meta.dirname, 'main.ts'), ...size] })
    const { code } = await run.exited
    const report = run.lines.join('\n')
    process.stderr.write(`${report}\n`) // figures, also of a good run
    expect({ code, report }).toEqual({ code: 0, report: expect.stringMatching(/nothing was dropped/) })
  }, 240_000)
})
