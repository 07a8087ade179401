import { z } from 'zod'
import { ofKind } from './kind.js'

const msOf: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const words = 'a duration such as 250ms, 25s, 10m or 1h30m'

/** Milliseconds of `25s`, `1h30m` or a plain number of milliseconds; undefined if it is no duration. */
export function parseDuration(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text)
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)
  let totalMs = 0
  for (const [, amount, unit] of parts) totalMs += Number(amount) * (msOf[unit ?? ''] ?? 0)
  return Math.round(totalMs)
}

/** Written `25s`, `10m`, `250ms`; milliseconds inside. A plain number is milliseconds. */
export function duration({ minMs = 0, maxMs = Number.MAX_SAFE_INTEGER } = {}): z.ZodType<
  number,
  string | number
> {
  const schema = z.union([z.number(), z.string()], words).transform((given, context) => {
    const ms = typeof given === 'number' ? given : parseDuration(given.trim())
    if (ms !== undefined && Number.isSafeInteger(ms) && ms >= minMs && ms <= maxMs) return ms
    context.addIssue({ code: 'custom', message: `must be ${words}${bounds(minMs, maxMs)}` })
    return z.NEVER
  })
  return ofKind(schema, { words })
}

function bounds(minMs: number, maxMs: number): string {
  const parts = [
    minMs > 0 ? `at least ${minMs}ms` : '',
    maxMs < Number.MAX_SAFE_INTEGER ? `at most ${maxMs}ms` : '',
  ]
  const said = parts.filter((part) => part !== '')
  return said.length === 0 ? '' : `, ${said.join(' and ')}`
}
