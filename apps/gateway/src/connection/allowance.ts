/**
 * How many commands a client may still send: a bucket of `burst` that fills again with `perSecond`. It starts full, or with
 * `initial`. Times in ms of a clock that never goes back.
 */
export class Allowance {
  private left: number
  private filledAtMs: number

  constructor(
    private readonly limits: { readonly perSecond: number; readonly burst: number },
    nowMs: number,
    initial = limits.burst,
  ) {
    this.left = initial
    this.filledAtMs = nowMs
  }

  /** False when that is more than is left; then nothing is taken. */
  take(commands: number, nowMs: number): boolean {
    this.left = this.leftAt(nowMs)
    this.filledAtMs = nowMs
    if (commands > this.left) return false
    this.left -= commands
    return true
  }
  /** How many it could send now. */
  leftAt(nowMs: number): number {
    const { perSecond, burst } = this.limits
    return Math.min(burst, this.left + ((nowMs - this.filledAtMs) / 1000) * perSecond)
  }
}
