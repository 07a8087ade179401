/**
 * Reads the fields of one request with their types. What is absent, null or at its zero value reads as undefined: the wire
 * makes no difference between the three (proto3).
 */
import { MalformedFrameError } from '../protocol.errors.js'
import { isObject } from './json-text.js'

export type JsonObject = Readonly<Record<string, unknown>>

const refuse = (field: string, expected: string): never => {
  throw new MalformedFrameError(`${field} must be ${expected}`)
}

export function readString(from: JsonObject, field: string): string | undefined {
  const value = from[field]
  if (value === undefined || value === null || value === '') return undefined
  return typeof value === 'string' ? value : refuse(field, 'a string')
}

export function readBoolean(from: JsonObject, field: string): true | undefined {
  const value = from[field]
  if (value === undefined || value === null || value === false) return undefined
  return value === true ? true : refuse(field, 'true or false')
}

/** `min` and `max` are the proto type's, narrowed to what a JSON number can say exactly. */
export function readInteger(
  from: JsonObject,
  field: string,
  { min, max }: { min: number; max: number },
): number | undefined {
  const value = from[field]
  if (value === undefined || value === null || value === 0) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
    return refuse(field, `an integer from ${min} to ${max}`)
  return value
}

export function readObject(from: JsonObject, field: string): JsonObject | undefined {
  const value = from[field]
  if (value === undefined || value === null) return undefined
  return isObject(value) ? value : refuse(field, 'an object')
}

export function readList<T>(
  from: JsonObject,
  field: string,
  read: (value: unknown) => T,
): readonly T[] | undefined {
  const values = from[field]
  if (values === undefined || values === null) return undefined
  if (!Array.isArray(values)) return refuse(field, 'a list')
  return values.length === 0 ? undefined : values.map((value) => read(value))
}

/** A map without a prototype, so that a key such as `__proto__` or `constructor` is a key like any other. */
export function readMap<T>(
  from: JsonObject,
  field: string,
  read: (entries: JsonObject, key: string) => T | undefined,
): Readonly<Record<string, T>> | undefined {
  const entries = readObject(from, field)
  if (entries === undefined) return undefined
  const map = Object.create(null) as Record<string, T>
  for (const key of Object.keys(entries)) {
    const value = read(entries, key)
    if (value !== undefined) map[key] = value
  }
  return map
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Only the fields that are there: an absent one is a missing key, not a key with undefined. */
export function present<T extends object>(fields: T): Present<T> {
  const result: Present<T> = {}
  for (const key of Object.keys(fields) as (keyof T)[]) {
    const value = fields[key]
    if (value !== undefined) result[key] = value as Exclude<T[keyof T], undefined>
  }
  return result
}
