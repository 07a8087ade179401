/**
 * Whose turn it is: subscribes and unsubscribes of one connection and channel, in the order of their commands, while one waits. [3.10]
 *
 * W1. What counts is the last subscribe that came, whether the hub knows it yet or not: an unsubscribe ends that one, and a subscribe
 *     waits for it only if it is to be left.
 * W2. All that wait for a turn wait for the same promise, so that they go on in the order in which they came.
 * W3. Nothing is kept of a turn that is over.
 */
import { commandTimeoutMs } from './command-deadline.js'

/** A subscribe: one that waits for its turn, or the subscription itself. */
export interface Turn {
  /** An unsubscribe came behind it. */
  isLeaving: boolean
  /** Not in yet, and not ended. */
  readonly isJoining: boolean
  /** Resolves when it has been answered, and is in where that doesn't take long; never rejects. */
  readonly settled: Promise<void>
}

/** Behind a subscription: the turn that it is part of, or the next one. Behind a turn: the next one. */
const behind = new WeakMap<Turn, Turn>()

/** W1. @param first What the hub knows of the channel. */
export function lastTurn(first: Turn | undefined): Turn | undefined {
  let last = first
  for (let next = first; next !== undefined; next = behind.get(next)) last = next
  return last
}

/** A subscribe that waits until what is left before it is gone; then it is its subscription's, until that is answered. */
export class WaitingTurn implements Turn {
  isLeaving = false
  isJoining = true
  readonly settled: Promise<void>
  private settle: () => void = () => {}

  constructor(
    before: Turn,
    private readonly sinceMs: number,
  ) {
    this.settled = new Promise((resolve) => (this.settle = resolve))
    behind.set(before, this)
  }

  /** What is left of the time in which a command has to be answered. */
  leftMs(nowMs: number): number {
    return Math.max(0, commandTimeoutMs - (nowMs - this.sinceMs))
  }

  /** The hub knows it now. */
  begin(subscription: Turn): void {
    behind.set(subscription, this) // W2
    void subscription.settled.then(() => {
      behind.delete(subscription) // W3
      this.over()
    })
  }

  over(): void {
    this.isJoining = false
    this.settle()
  }
}
