/**
 * Decimals of any size as text: never a float, so that `0.1` is itself and `9007199254740993` is not its neighbour.
 */
export interface Decimal {
  isNegative: boolean
  /** Without leading zeros; '' = none. */
  whole: string
  /** Without trailing zeros; '' = none. */
  fraction: string
}

/** Longer texts are no numbers: a comparison costs so many characters at most. */
const maxLength = 200

const pattern = /^([+-]?)(\d+)(?:\.(\d+))?$/

/** `-1`, `+0.50`, `007`; undefined for anything else, exponents and longer than 200 characters among it. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = text.length > maxLength ? null : pattern.exec(text)
  if (match === null) return undefined
  const whole = (match[2] ?? '').replace(/^0+/, '')
  const fraction = trimEnd(match[3] ?? '')
  return { isNegative: match[1] === '-' && whole + fraction !== '', whole, fraction }
}

/** Not by a pattern: one that looks for the last zeros tries each zero in the middle. */
function trimEnd(digits: string): string {
  let end = digits.length
  while (end > 0 && digits[end - 1] === '0') end -= 1
  return digits.slice(0, end)
}

/** Below, equal to or above zero, as `a` is to `b`. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.isNegative !== b.isNegative) return a.isNegative ? -1 : 1
  const size = compareSizes(a, b)
  return a.isNegative ? -size : size
}

function compareSizes(a: Decimal, b: Decimal): number {
  if (a.whole.length !== b.whole.length) return a.whole.length - b.whole.length
  return compareTexts(a.whole, b.whole) || compareTexts(a.fraction, b.fraction)
}

const compareTexts = (a: string, b: string): number => {
  if (a === b) return 0
  return a < b ? -1 : 1
}
