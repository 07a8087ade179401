/**
 * Commands of a user on this node, over all connections.
 *
 * US1. Who has nothing to pay off costs nothing: a bucket that is full again is forgotten.
 */
import { Allowance } from '../connection/allowance.js'

export interface UserCommandOptions {
  /** Commands per second; 0 = not counted. */
  userCommandRate: number
  /** Commands at once. */
  userCommandBurst: number
}

const leastBeforeSweep = 1_024

export class UserCommands {
  private readonly byUser = new Map<string, Allowance>()
  private sweepAt = leastBeforeSweep
  /** One object for all. What it says may change under them. */
  private readonly limits: { readonly perSecond: number; readonly burst: number }

  constructor(
    private readonly options: () => UserCommandOptions,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.limits = {
      get perSecond() {
        return options().userCommandRate
      },
      get burst() {
        return options().userCommandBurst
      },
    }
  }

  get userCount(): number {
    return this.byUser.size
  }

  /** False: that is one too many. Of nobody in particular ('') all are taken. */
  take(user: string): boolean {
    if (this.options().userCommandRate === 0 || user === '') return true
    const nowMs = this.now()
    const known = this.byUser.get(user)
    if (known !== undefined) return known.take(1, nowMs)
    if (this.byUser.size >= this.sweepAt) this.sweep(nowMs)
    const fresh = new Allowance(this.limits, nowMs)
    this.byUser.set(user, fresh)
    return fresh.take(1, nowMs)
  }

  /** US1. Each sweep walks all, and comes when there are twice as many as the last one left. */
  private sweep(nowMs: number): void {
    const { burst } = this.limits
    for (const [user, allowance] of this.byUser)
      if (allowance.leftAt(nowMs) >= burst) this.byUser.delete(user)
    this.sweepAt = Math.max(leastBeforeSweep, 2 * this.byUser.size)
  }
}
