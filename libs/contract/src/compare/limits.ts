/** What narrows a variant beside its type and its fields. */
import { textOf } from '../json/schema.js'
import { isOfType, type Variant } from './variants.js'

/** Compared elsewhere, by what they mean. */
const structural = new Set('type const properties required additionalProperties items prefixItems'.split(' '))

/** The keywords by which `sup` refuses something of `sub`; both are of one type. */
export function tighter(sub: Variant, sup: Variant): string[] {
  return limitsOf(sup).filter((keyword) => !isImplied(keyword, sub, sup))
}

const limitsOf = (variant: Variant): string[] =>
  Object.keys(variant).filter((keyword) => !structural.has(keyword))

function isImplied(keyword: string, sub: Variant, sup: Variant): boolean {
  if (textOf(sub[keyword]) === textOf(sup[keyword])) return true
  const wanted = sup[keyword]
  if ('const' in sub) return isWithin(sub['const'], keyword, wanted)
  if (typeof wanted !== 'number') return false
  const has = (name: string, fits: (own: number) => boolean): boolean => {
    const own = sub[name]
    return typeof own === 'number' && fits(own)
  }
  switch (keyword) {
    case 'minimum':
      return has('minimum', (own) => own >= wanted) || has('exclusiveMinimum', (own) => own >= wanted)
    case 'exclusiveMinimum':
      return has('exclusiveMinimum', (own) => own >= wanted) || has('minimum', (own) => own > wanted)
    case 'maximum':
      return has('maximum', (own) => own <= wanted) || has('exclusiveMaximum', (own) => own <= wanted)
    case 'exclusiveMaximum':
      return has('exclusiveMaximum', (own) => own <= wanted) || has('maximum', (own) => own < wanted)
    case 'multipleOf':
      return has('multipleOf', (own) => own % wanted === 0) || (wanted === 1 && sub['type'] === 'integer')
    default:
      if (keyword.startsWith('min')) return has(keyword, (own) => own >= wanted)
      return keyword.startsWith('max') && has(keyword, (own) => own <= wanted)
  }
}

/** Whether this very value keeps the limit; what isn't known to, doesn't. */
function isWithin(value: unknown, keyword: string, limit: unknown): boolean {
  if (typeof value === 'number' && typeof limit === 'number') {
    if (keyword === 'minimum') return value >= limit
    if (keyword === 'maximum') return value <= limit
    if (keyword === 'exclusiveMinimum') return value > limit
    if (keyword === 'exclusiveMaximum') return value < limit
    return keyword === 'multipleOf' && value % limit === 0
  }
  if (typeof value === 'string') {
    if (keyword === 'minLength') return [...value].length >= Number(limit)
    if (keyword === 'maxLength') return [...value].length <= Number(limit)
    if (keyword === 'pattern') return matches(value, String(limit))
  }
  return false
}

function matches(value: string, pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(value)
  } catch {
    return false
  }
}

/** Whether all values of `sub` are of the type, or are the constant, that `sup` asks for. */
export function isOfKind(sub: Variant, sup: Variant): boolean {
  if ('const' in sup) return 'const' in sub && textOf(sub['const']) === textOf(sup['const'])
  const wanted = sup['type']
  if (typeof wanted !== 'string') return true
  if ('const' in sub) return isOfType(sub['const'], wanted)
  return sub['type'] === wanted || (sub['type'] === 'integer' && wanted === 'number')
}

/** For people: `a string`, `"eur"`. */
export function describe(variant: Variant): string {
  if ('const' in variant) return JSON.stringify(variant['const'])
  const type = variant['type']
  if (typeof type !== 'string') return isAnything(variant) ? 'any value' : 'a value of no one type'
  const what = `${/^[aio]/.test(type) ? 'an' : 'a'} ${type}`
  const limits = limitsOf(variant).map((keyword) => `${keyword} ${JSON.stringify(variant[keyword])}`)
  return limits.length === 0 ? what : `${what} (${limits.join(', ')})`
}

export const isAnything = (variant: Variant): boolean => Object.keys(variant).length === 0
