/**
 * The origin rule for browsers [1]: a request without an Origin header is no browser and passes; one with it has to match a
 * pattern. `*` stands for any run of characters.
 */
export class OriginRule {
  private readonly patterns: readonly RegExp[]

  constructor(patterns: readonly string[]) {
    this.patterns = patterns.map(
      (pattern) => new RegExp(`^${pattern.split('*').map(escape).join('.*')}$`, 'iu'),
    )
  }

  allows(origin: string | undefined): boolean {
    return origin === undefined || this.patterns.some((pattern) => pattern.test(origin))
  }
}

function escape(text: string): string {
  return text.replaceAll(/[.+?^${}()|[\]\\/]/g, String.raw`\$&`)
}
