export function testTotal(
  kinds: readonly string[],
  folder?: string,
): { passed: number; failed: number; skipped: string[] }
export function totalLine(total: { passed: number; failed: number; skipped: readonly string[] }): string
