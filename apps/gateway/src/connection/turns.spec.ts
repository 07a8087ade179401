import { describe, expect, it } from '@jest/globals'
import { commandTimeoutMs } from './command-deadline.js'
import { lastTurn, WaitingTurn, type Turn } from './turns.js'

/** A subscription that the hub knows, as far as turns look at it. */
class Seat implements Turn {
  isLeaving = false
  isJoining = true
  answered: () => void = () => {}
  readonly settled = new Promise<void>((resolve) => (this.answered = resolve))
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the turns of a channel', () => {
  it('[3.10] the last subscribe that came counts, whether the hub knows it or not (W1)', () => {
    const seat = new Seat()
    expect(lastTurn(undefined)).toBeUndefined()
    expect(lastTurn(seat)).toBe(seat)
    const second = new WaitingTurn(seat, 0)
    expect(lastTurn(seat)).toBe(second)
    const third = new WaitingTurn(second, 0)
    expect(lastTurn(seat)).toBe(third)
  })

  it('[3.10] who waits goes on in the order of coming, behind the subscription that the turn became (W2)', async () => {
    const [first, own] = [new Seat(), new Seat()]
    const waiting = new WaitingTurn(first, 0)
    const order: string[] = []
    void waiting.settled.then(() => order.push('came first'))
    waiting.begin(own) // the hub knows it: who comes now finds the subscription
    void lastTurn(own)?.settled.then(() => order.push('came second'))
    await settled()
    expect(order).toEqual([])
    own.answered()
    await settled()
    expect(order).toEqual(['came first', 'came second'])
    expect(lastTurn(own)).toBe(own) // W3
    expect(waiting.isJoining).toBe(false)
  })

  it('[3.10] a turn that is given up is over for whoever waits for it', async () => {
    const waiting = new WaitingTurn(new Seat(), 0)
    let isOver = false
    void waiting.settled.then(() => (isOver = true))
    waiting.over()
    await settled()
    expect([isOver, waiting.isJoining]).toEqual([true, false])
  })

  it('waiting is part of the time in which a command is answered', () => {
    const waiting = new WaitingTurn(new Seat(), 1_000)
    expect(waiting.leftMs(1_000)).toBe(commandTimeoutMs)
    expect(waiting.leftMs(1_400)).toBe(commandTimeoutMs - 400)
    expect(waiting.leftMs(1_000 + 2 * commandTimeoutMs)).toBe(0)
  })
})
