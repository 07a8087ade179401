/**
 * The path of a handler: the part of a channel name after `namespace:`. `:name` takes everything up to the next literal character
 * of the path, and at least one character; the last one takes the rest. Everything else stands for itself.
 *
 * P1. Of two paths that match one channel, the one with more literal characters wins.
 * P2. Two paths with equally many literal characters that could match the same channel don't stand side by side: {@link overlaps}.
 */
import { InvalidError } from '@natter/primitives'

/** One literal character, or a parameter: one or more characters but `until` (undefined = any). */
type Step = { literal: string } | { name: string; until: string | undefined }

export interface ChannelPath {
  readonly text: string
  readonly names: readonly string[]
  /** P1. */
  readonly literals: number
  readonly steps: readonly Step[]
  readonly pattern: RegExp
}

const parameter = /:([A-Za-z_][A-Za-z0-9_]*)/

/** @throws InvalidError `bad-path`: nothing in it, two parameters side by side, a name twice, `:` without a name. */
export function channelPath(text: string): ChannelPath {
  const refuse = (why: string): never => {
    throw new InvalidError('bad-path', `The path "${text}" ${why}.`)
  }
  if (text === '') refuse("is empty: write ':name', or the channel's name without its namespace")
  const parts = text.split(parameter) // literal, name, literal, name, …, literal
  const steps: Step[] = []
  const names: string[] = []
  for (const [i, part] of parts.entries()) {
    if (i % 2 === 0) {
      if (part.includes(':')) refuse("has a ':' without a name after it")
      steps.push(...Array.from(part, (literal) => ({ literal })))
      continue
    }
    const next = parts[i + 1] ?? ''
    if (next === '' && i + 1 < parts.length - 1) refuse(`has two parameters with nothing between them`)
    if (names.includes(part)) refuse(`names the parameter "${part}" twice`)
    names.push(part)
    steps.push({ name: part, until: Array.from(next)[0] })
  }
  const literals = steps.filter((step) => 'literal' in step).length
  return { text, names, literals, steps, pattern: patternOf(steps) }
}

function patternOf(steps: readonly Step[]): RegExp {
  const escaped = (char: string) => `\\u{${char.codePointAt(0)!.toString(16)}}`
  const source = steps.map((step) => {
    if ('literal' in step) return escaped(step.literal)
    return step.until === undefined ? '(.+)' : `([^${escaped(step.until)}]+)`
  })
  return new RegExp(`^${source.join('')}$`, 'su')
}

/** The parameters of a channel name's rest; undefined = another path's business. */
export function matchPath(path: ChannelPath, rest: string): Record<string, string> | undefined {
  const match = path.pattern.exec(rest)
  if (match === null) return undefined
  const params: Record<string, string> = {}
  for (const [i, name] of path.names.entries()) params[name] = match[i + 1]!
  return params
}

/** Most special first. P1. */
export function bySpecificity(a: ChannelPath, b: ChannelPath): number {
  return b.literals - a.literals
}

/** Whether some channel matches both: a walk through both at once, a character at a time. */
export function overlaps(a: ChannelPath, b: ChannelPath): boolean {
  const seen = new Set<string>()
  const walk = (i: number, isInA: boolean, j: number, isInB: boolean): boolean => {
    if (i === a.steps.length && j === b.steps.length) return true
    const key = `${i}${isInA ? '+' : ''} ${j}${isInB ? '+' : ''}`
    if (seen.has(key)) return false
    seen.add(key)
    if (isInA && walk(i + 1, false, j, isInB)) return true // the parameter ends here
    if (isInB && walk(i, isInA, j + 1, false)) return true
    const [left, right] = [a.steps[i], b.steps[j]]
    if (left === undefined || right === undefined || !hasCommonCharacter(left, right)) return false
    const [di, dj] = ['literal' in left ? 1 : 0, 'literal' in right ? 1 : 0]
    return walk(i + di, di === 0, j + dj, dj === 0)
  }
  return walk(0, false, 0, false)
}

function hasCommonCharacter(a: Step, b: Step): boolean {
  if ('literal' in a && 'literal' in b) return a.literal === b.literal
  if ('literal' in a) return 'until' in b && b.until !== a.literal
  if ('literal' in b) return a.until !== b.literal
  return true
}
