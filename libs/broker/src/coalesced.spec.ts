import { describe, expect, it } from '@jest/globals'
import { Coalesced } from './coalesced.js'

describe('a shared question', () => {
  it('calls of one turn share a round; whoever calls while it runs gets the next, or the answer would be older than the call', async () => {
    let rounds = 0
    const gates: (() => void)[] = []
    const shared = new Coalesced(async () => {
      rounds += 1
      const mine = rounds
      await new Promise<void>((resolve) => gates.push(resolve))
      return mine
    })
    const first = [shared.call(), shared.call()]
    await new Promise((resolve) => setImmediate(resolve))
    const second = [shared.call(), shared.call()]
    gates.shift()?.()
    expect(await Promise.all(first)).toEqual([1, 1])
    await new Promise((resolve) => setImmediate(resolve))
    gates.shift()?.()
    expect(await Promise.all(second)).toEqual([2, 2])
  })

  it('a round that fails is told to its callers alone', async () => {
    let rounds = 0
    const shared = new Coalesced(() => {
      rounds += 1
      return rounds === 1 ? Promise.reject(new Error('no')) : Promise.resolve(rounds)
    })
    await expect(shared.call()).rejects.toThrow('no')
    expect(await shared.call()).toBe(2)
  })
})
