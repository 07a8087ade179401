import type { PublishGrant } from './hooks.js'

/**
 * What an app said once about a subscriber's publications, so that it needn't be asked each time.
 *
 * G1. `allow` covers at most its quota, and neither it nor `deny` outlives its time; after that it is `ask`.
 */
export class Grant {
  private readonly until: number
  private left: number

  constructor(
    private readonly said: PublishGrant,
    nowMs: number,
  ) {
    this.until = said.forMs === undefined ? Infinity : nowMs + said.forMs
    this.left = said.quota ?? Infinity
  }

  /** What it says about one more publication, which counts against the quota. */
  take(nowMs: number): PublishGrant['publish'] {
    if (nowMs >= this.until) return 'ask'
    if (this.said.publish !== 'allow') return this.said.publish
    if (this.left <= 0) return 'ask'
    this.left -= 1
    return 'allow'
  }
}
