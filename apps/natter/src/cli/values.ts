/** The kinds of values that flags and arguments take. */
import { duration as durationSchema } from '@natter/config'
import type { Argument, DefaultedFlag, Flag, Switch, Value } from './command.js'

type Read<T> = ReturnType<Value<T>['read']>

export const text = (placeholder: string): Value<string> => ({
  placeholder,
  read: (given) => (given === '' ? { mistake: 'is empty' } : { ok: given }),
})

/** A name of a file; `-` may stand for what comes in. */
export const file = (): Value<string> => ({ ...text('<file>'), isFile: true })

export const folder = (): Value<string> => ({ ...text('<folder>'), isFile: true })

/** Texts between commas. */
export const list = (placeholder: string): Value<readonly string[]> => ({
  placeholder,
  read(given) {
    const items = given.split(',').map((item) => item.trim())
    return items.includes('') ? { mistake: 'has an empty name between its commas' } : { ok: items }
  },
})

export function count({ min = 0, max = Number.MAX_SAFE_INTEGER } = {}): Value<number> {
  return {
    placeholder: '<number>',
    read(given) {
      const number = /^\d{1,16}$/.test(given) ? Number(given) : Number.NaN
      const range = max === Number.MAX_SAFE_INTEGER ? `from ${min} on` : `from ${min} to ${max}`
      return number >= min && number <= max ? { ok: number } : { mistake: `must be a whole number ${range}` }
    },
  }
}

export const port = (highest = 65_535): Value<number> => ({
  placeholder: '<number>',
  read(given) {
    const number = /^\d{1,5}$/.test(given) ? Number(given) : Number.NaN
    return number >= 1 && number <= highest
      ? { ok: number }
      : { mistake: `must be a port from 1 to ${highest}` }
  },
})

export function duration(bounds: { minMs?: number; maxMs?: number } = {}): Value<number> {
  const schema = durationSchema(bounds)
  return {
    placeholder: '<duration>',
    read(given) {
      const { success, data, error } = schema.safeParse(given)
      return success ? { ok: data } : { mistake: error.issues[0]?.message ?? 'is no duration' }
    },
  }
}

/** Milliseconds, or `never`. */
export function durationOrNever(bounds: { minMs?: number }): Value<number | 'never'> {
  const value = duration(bounds)
  return {
    placeholder: '<duration|never>',
    words: ['never'],
    read: (given) => (given === 'never' ? { ok: 'never' } : value.read(given)),
  }
}

export const choice = <const T extends string>(...words: readonly T[]): Value<T> => ({
  placeholder: `<${words.join('|')}>`,
  words,
  read(given) {
    const found = words.find((word) => word === given)
    return found === undefined ? { mistake: `must be ${oneOf(words)}` } : { ok: found }
  },
})

function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

/** Where methods are put behind, so without a query; and a password in it would be in sight. */
export const address = (): Value<string> => ({
  placeholder: '<url>',
  read(given) {
    const { protocol = '', username, password, search, hash } = URL.parse(given) ?? {}
    if (!/^https?:$/.test(protocol)) return { mistake: 'must be an address with http:// or https://' }
    const more = [username, password, search, hash].join('')
    return more === '' ? { ok: given } : { mistake: 'must be an address without user, password, ? and #' }
  },
})

export const socketAddress = (): Value<string> => ({
  placeholder: '<url>',
  read: (given) =>
    /^wss?:$/.test(URL.parse(given)?.protocol ?? '')
      ? { ok: given }
      : { mistake: 'must be an address with ws:// or wss://' },
})

const howToQuote = `must be JSON, in quotes of the shell: '{"a":1}', and a text '"so"'`

/** Any JSON. */
export const json = (): Value<unknown> => ({ placeholder: '<json>', read: parseJson })

/** The text of any JSON, as it was written: numbers beyond a double go through unchanged. */
export const jsonText = (): Value<string> => ({
  placeholder: '<json>',
  read(given) {
    const parsed = parseJson(given)
    return 'mistake' in parsed ? parsed : { ok: given }
  },
})

/** A JSON object. */
export const jsonObject = (): Value<Readonly<Record<string, unknown>>> => ({
  placeholder: '<json>',
  read(given) {
    const parsed = parseJson(given)
    if ('mistake' in parsed) return parsed
    return isObject(parsed.ok) ? { ok: parsed.ok } : { mistake: 'must be a JSON object, in { and }' }
  },
})

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parseJson(given: string): Read<unknown> {
  try {
    return { ok: JSON.parse(given) }
  } catch {
    return { mistake: howToQuote }
  }
}

/** `name=value`. */
export const pair = (): Value<readonly [string, string]> => ({
  placeholder: '<name=value>',
  read(given) {
    const at = given.indexOf('=')
    return at > 0 ? { ok: [given.slice(0, at), given.slice(at + 1)] } : { mistake: 'must be name=value' }
  },
})

/** Where a history is read from. */
export interface Position {
  readonly offset: number
  /** '' = whichever there is. */
  readonly epoch: string
}

export const position = (): Value<Position> => ({
  placeholder: '<offset[:epoch]>',
  read(given) {
    const [, offset, epoch = ''] = /^(\d{1,16})(?::(.+))?$/.exec(given) ?? []
    const number = Number(offset)
    return Number.isSafeInteger(number)
      ? { ok: { offset: number, epoch } }
      : { mistake: 'must be an offset, as in 17, or with its epoch, as in 17:xyz' }
  },
})

export const flag = <T>(name: string, value: Value<T>, doc: string): Flag<T> => ({ name, value, doc })

export const defaulted = <T>(
  name: string,
  value: Value<T>,
  fallback: string,
  doc: string,
): DefaultedFlag<T> => ({ name, value, doc, default: fallback })

export const many = <T>(name: string, value: Value<T>, doc: string): Flag<T> => ({
  name,
  value,
  doc,
  isMany: true,
})

export const onOff = (name: string, doc: string): Switch => ({ name, doc })

export const argument = <T>(name: string, value: Value<T>, doc: string): Argument<T> => ({ name, value, doc })

export const optional = <T>(name: string, value: Value<T>, doc: string): Argument<T> => ({
  name,
  value,
  doc,
  isOptional: true,
})
