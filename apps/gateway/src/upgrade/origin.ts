import { isGlob } from '@natter/protocol'

/**
 * The origin rule for browsers [1]: a request without an Origin header is no browser and passes; one with it has to match a
 * pattern. `*` stands for any run of characters. Anybody may send 32 KiB of an origin before anything else is known of them.
 */
export class OriginRule {
  private readonly patterns: readonly string[]

  constructor(patterns: readonly string[]) {
    this.patterns = patterns.map((pattern) => pattern.toLowerCase())
  }

  allows(origin: string | undefined): boolean {
    if (origin === undefined) return true
    const lower = origin.toLowerCase()
    return this.patterns.some((pattern) => isGlob(pattern, lower))
  }
}
