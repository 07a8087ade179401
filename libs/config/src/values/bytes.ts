import { z } from 'zod'
import { ofKind } from './kind.js'

const bytesOf: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

const words = 'a size such as 64KiB, 1MB or 1GiB'

/** Bytes of `64KiB`, `1MB` or a plain number of bytes; undefined if it is no size. KB counts thousands, KiB 1024s. */
export function parseBytes(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s?([a-z]*)$/i.exec(text) ?? []
  const factor = unit === '' ? 1 : bytesOf[unit.toLowerCase()]
  if (amount === undefined || factor === undefined) return undefined
  return Math.round(Number(amount) * factor)
}

/** Written `64KiB` or `1MB`; bytes inside. A plain number is bytes. */
export function bytes({ minBytes = 0, maxBytes = Number.MAX_SAFE_INTEGER } = {}): z.ZodType<
  number,
  string | number
> {
  const schema = z.union([z.number(), z.string()], words).transform((given, context) => {
    const size = typeof given === 'number' ? given : parseBytes(given.trim())
    if (size !== undefined && Number.isSafeInteger(size) && size >= minBytes && size <= maxBytes) return size
    context.addIssue({ code: 'custom', message: `must be ${words}${bounds(minBytes, maxBytes)}` })
    return z.NEVER
  })
  return ofKind(schema, { words })
}

function bounds(minBytes: number, maxBytes: number): string {
  const least = minBytes > 0 ? [`at least ${minBytes} bytes`] : []
  const most = maxBytes < Number.MAX_SAFE_INTEGER ? [`at most ${maxBytes} bytes`] : []
  const said = [...least, ...most]
  return said.length === 0 ? '' : `, ${said.join(' and ')}`
}
