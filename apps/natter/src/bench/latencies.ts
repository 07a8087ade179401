/** Milliseconds, gathered; each percentile is a value that was measured, rounded to a hundredth. */
export class Latencies {
  private values = new Float64Array(1024)
  private count = 0

  add(ms: number): void {
    if (this.count === this.values.length) {
      const larger = new Float64Array(this.values.length * 2)
      larger.set(this.values)
      this.values = larger
    }
    this.values[this.count] = ms
    this.count += 1
  }

  /** Null where nothing was measured. */
  percentiles(): { p50: number | null; p90: number | null; p99: number | null; max: number | null } {
    const sorted = this.values.subarray(0, this.count).toSorted()
    const at = (share: number): number | null => {
      const value = sorted[Math.max(0, Math.ceil(share * this.count) - 1)]
      return value === undefined ? null : Math.round(value * 100) / 100
    }
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
  }
}
