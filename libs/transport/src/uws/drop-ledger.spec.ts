import { describe, expect, it } from '@jest/globals'
import { DropLedger } from './drop-ledger.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('DropLedger', () => {
  it('D2: what was published in earlier turns is forgotten while more comes, else every send of a busy node pays for it', async () => {
    const ledger = new DropLedger(() => {})
    for (let turns = 0; turns < 100; turns += 1) {
      ledger.held(1_000)
      await turn()
    }
    expect(ledger.undrainedBytes).toBeLessThanOrEqual(2_000)
    await turn()
    await turn()
    expect(ledger.undrainedBytes).toBe(0)
  })

  it('D2: nothing is forgotten in the turn it was published in, nor in the next: the library may not have written it', async () => {
    const ledger = new DropLedger(() => {})
    ledger.held(1_000)
    ledger.held(1_000)
    expect(ledger.undrainedBytes).toBe(2_000)
    await new Promise((resolve) => process.nextTick(resolve))
    expect(ledger.undrainedBytes).toBe(2_000)
    ledger.held(10_000_000)
    expect(ledger.undrainedBytes).toBe(32 * 16_394) // no subscriber has more held back
    await turn()
    expect(ledger.undrainedBytes).toBe(32 * 16_394)
  })
})
