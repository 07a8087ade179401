import { Allowance } from '../connection/allowance.js'

/** New connections of this node: a bucket of one second's, so that who comes in a crowd is let in as long as it is no storm. */
export class Arrivals {
  private readonly allowance: Allowance

  /** @param perSecond 0 = not counted */
  constructor(
    private readonly perSecond: () => number,
    private readonly now: () => number = () => performance.now(),
  ) {
    const limits = {
      get perSecond() {
        return perSecond()
      },
      get burst() {
        return perSecond()
      },
    }
    this.allowance = new Allowance(limits, now())
  }

  /** One comes in, if it may. */
  take(): boolean {
    return this.perSecond() === 0 || this.allowance.take(1, this.now())
  }

  /** Whether one would be let in. */
  get hasRoom(): boolean {
    return this.perSecond() === 0 || this.allowance.leftAt(this.now()) >= 1
  }
}
