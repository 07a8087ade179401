import { InvalidError } from '@natter/primitives'

/** Milliseconds, or text such as `'250ms'`, `'30s'`, `'5m'`, `'1h'`, `'2d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** @throws InvalidError `bad-duration`. */
export function msOf(duration: Duration): number {
  if (typeof duration === 'number' && duration >= 0) return duration
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration)) ?? []
  if (number !== undefined) return Number(number) * units[unit as keyof typeof units]
  throw new InvalidError(
    'bad-duration',
    `"${duration}" is no duration: say milliseconds, or '250ms', '30s', '5m', '1h', '2d'.`,
  )
}
