/** The candidate that was probably meant, or undefined if none is near. `tolerated` slips are few where a wrong guess hurts. */
export function nearMiss(
  given: string,
  candidates: readonly string[],
  tolerated: (length: number) => number = slipsOfAPerson,
): string | undefined {
  let best: { candidate: string; distance: number } | undefined
  for (const candidate of candidates) {
    const distance = editDistance(plain(given), plain(candidate))
    if (distance > tolerated(plain(candidate).length)) continue
    if (best === undefined || distance < best.distance) best = { candidate, distance }
  }
  return best?.candidate
}

/** ` Did you mean …?` with its leading blank, or nothing. */
export function didYouMean(given: string, candidates: readonly string[]): string {
  const candidate = nearMiss(given, candidates)
  return candidate === undefined ? '' : ` Did you mean ${candidate}?`
}

/** One slip in a short name, two in a middling one, three in a long one: more would join names that merely rhyme. */
function slipsOfAPerson(length: number): number {
  if (length <= 4) return 1
  return length <= 12 ? 2 : 3
}

/** `tokenHmacSecretKey`, `token-hmac-secret-key` and `token_hmac_secret_key` are the same name written by different habits. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '')
}

/** Insertions, deletions, substitutions and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let older: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1]
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      const costs = [
        at(above, column - 1) + (isSame ? 0 : 1),
        at(above, column) + 1,
        at(line, column - 1) + 1,
      ]
      if (isSwap) costs.push(at(older, column - 2) + 1)
      line.push(Math.min(...costs))
    }
    older = above
    above = line
  }
  return at(above, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
