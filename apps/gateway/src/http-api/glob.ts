/**
 * Patterns of channel names: `*` any run of characters, `?` one, `[a-z]` one of these, `[!a-z]` none of them, `{a,b}` either, `\` before one of
 * those means itself.
 *
 * GL1. A match takes time by the product of the two lengths at most, whatever the pattern: it isn't made into a regular expression.
 */
import { InvalidError } from '@natter/primitives'

export const maxPatternLength = 255
const maxAlternatives = 100

type Token = { is: 'run' } | { is: 'one'; fits(unit: string): boolean }

const run: Token = { is: 'run' }

/** @throws InvalidError `bad-pattern`. */
export function compileGlob(pattern: string): (text: string) => boolean {
  const alternatives = expand(pattern).map((one) => tokensOf(one))
  return (text) => {
    const units = [...text]
    return alternatives.some((tokens) => matches(tokens, units))
  }
}

/** GL1. On a miss the last run takes one more character; earlier runs need not be tried again. */
function matches(tokens: readonly Token[], units: readonly string[]): boolean {
  let [token, unit, runAt, runUnit] = [0, 0, -1, 0]
  while (unit < units.length) {
    const present = tokens[token]
    if (present?.is === 'run') {
      runAt = token
      runUnit = unit
      token += 1
    } else if (present?.fits(units[unit] ?? '') === true) {
      token += 1
      unit += 1
    } else if (runAt >= 0) {
      runUnit += 1
      unit = runUnit
      token = runAt + 1
    } else return false
  }
  return tokens.slice(token).every(({ is }) => is === 'run')
}

function tokensOf(pattern: string): Token[] {
  const units = [...pattern]
  const tokens: Token[] = []
  for (let at = 0; at < units.length; at += 1) {
    const unit = units[at] ?? ''
    if (unit === '*') tokens.push(run)
    else if (unit === '?') tokens.push({ is: 'one', fits: () => true })
    else if (unit === '[') {
      const end = units.indexOf(']', at + 2)
      if (end < 0) throw bad('a [ has no ]')
      tokens.push(setOf(units.slice(at + 1, end)))
      at = end
    } else {
      if (unit === '\\') at += 1
      const literal = units[at] ?? '\\'
      tokens.push({ is: 'one', fits: (given) => given === literal })
    }
  }
  return tokens
}

function setOf(units: readonly string[]): Token {
  const isNegated = units[0] === '!' || units[0] === '^'
  const members = isNegated ? units.slice(1) : units
  const ranges: [string, string][] = []
  for (let at = 0; at < members.length; at += 1) {
    const from = members[at] ?? ''
    const isRange = members[at + 1] === '-' && at + 2 < members.length
    ranges.push([from, isRange ? (members[at + 2] ?? '') : from])
    if (isRange) at += 2
  }
  return { is: 'one', fits: (unit) => ranges.some(([from, to]) => unit >= from && unit <= to) !== isNegated }
}

/** Without braces. */
function expand(pattern: string): string[] {
  const open = findPlain(pattern, '{', 0)
  if (open < 0) return [pattern]
  const { end, parts } = partsOf(pattern, open)
  const found = parts.flatMap((part) => expand(pattern.slice(0, open) + part + pattern.slice(end + 1)))
  if (found.length > maxAlternatives) throw bad(`it stands for more than ${maxAlternatives} others`)
  return found
}

function partsOf(pattern: string, open: number): { end: number; parts: string[] } {
  const parts: string[] = []
  let [depth, start] = [0, open + 1]
  for (let at = open; at < pattern.length; at += 1) {
    const unit = pattern[at]
    if (unit === '\\') at += 1
    else if (unit === '{') depth += 1
    else if (unit === ',' && depth === 1) {
      parts.push(pattern.slice(start, at))
      start = at + 1
    } else if (unit === '}') {
      depth -= 1
      if (depth === 0) return { end: at, parts: [...parts, pattern.slice(start, at)] }
    }
  }
  throw bad('a { has no }')
}

function findPlain(pattern: string, wanted: string, from: number): number {
  for (let at = from; at < pattern.length; at += 1) {
    if (pattern[at] === '\\') at += 1
    else if (pattern[at] === wanted) return at
  }
  return -1
}

const bad = (why: string): InvalidError => new InvalidError('bad-pattern', `That is no pattern: ${why}`)
