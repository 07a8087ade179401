/**
 * The whole chart on loopback, rolled under clients: `run.ts` says what is done to it, `judge.ts` and `test/fault/check.ts` what has to
 * hold.
 *
 * Seen to fail, each planted once in `apps/gateway` and run by `npm run test:cluster -- --source <copy>`:
 * - a gateway that exits at once on SIGTERM: still ready by its own word at its exit, and clients closed with 1006;
 * - a gateway that closes its port at once: connections refused through the Service, which couldn't know yet;
 * - readiness that stays on while it drains (`test/mutants/ready-while-draining.patch`, kept): still ready 3 s after its deletion;
 * - readiness that stays on without NATS: "was ready for more than any ms after NATS had gone".
 */
import { expect, it } from '@jest/globals'
import { startProcess } from '@natter/testing'
import { join } from 'node:path'
import { describeWithHelm } from '../chart/renderings.js'

describeWithHelm('the chart, rolled under clients on loopback', () => {
  it('drains each old gateway, loses and doubles nothing, tells the truth by its probes, and stalls on a wrong setting', async () => {
    // a process of its own: Jest's sandbox would take half of the machine, and its clients must not wait
    const run = await startProcess({ args: [join(import.meta.dirname, 'main.ts')] })
    const { code } = await run.exited
    const report = run.lines.join('\n')
    process.stderr.write(`${report}\n`) // figures, also of a good run
    expect({ code, report }).toEqual({ code: 0, report: expect.stringMatching(/every promise held/) })
  }, 300_000)
})
