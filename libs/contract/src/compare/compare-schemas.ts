/**
 * What is different between two schemas of the same data, and whom it breaks.
 *
 * S1. A request breaks when something that was taken is refused now: all that clients may send by the schema before must fit the one
 *     after. A reply breaks when something is told that was never told: all of the one after must fit the one before.
 * S2. Nobody sends a field that isn't declared, and everybody passes over one that he doesn't know: a new optional field breaks nobody, and a
 *     field that is gone breaks, either way, whoever used it.
 * S3. What isn't understood, and isn't the same, breaks: it is looked at by a person.
 */
import { isObject, nodeOf, textOf, type Node, type Schema } from '../json/schema.js'
import { breaking, change, type Change, type Direction } from './change.js'
import { describe, isAnything, isOfKind, tighter } from './limits.js'
import { variantsOf, type Variant } from './variants.js'

export function compareSchemas(before: Schema, after: Schema, direction: Direction, path: string): Change[] {
  if (textOf(before) === textOf(after)) return []
  if (isBytes(before) !== isBytes(after)) {
    const kind = direction === 'request' ? 'type-narrowed' : 'type-widened'
    const [was, is] = isBytes(before) ? ['bytes', 'JSON'] : ['JSON', 'bytes']
    return [breaking(path, kind, `was ${was}, and is ${is} now`)]
  }
  const [sub, sup] = direction === 'request' ? [before, after] : [after, before] // S1
  return new Comparison(direction, sub, sup).fits(sub, sup, path)
}

const isBytes = (schema: Schema): boolean => schema['contentEncoding'] === 'binary'

const hasBreaking = (changes: readonly Change[]): boolean => changes.some((one) => one.breaking)

class Comparison {
  /** Pairs in work: a recursive type fits when nothing on its way round stands against it. */
  private readonly assumed = new Set<string>()
  private readonly isRequest: boolean

  constructor(
    direction: Direction,
    private readonly subRoot: Schema,
    private readonly supRoot: Schema,
  ) {
    this.isRequest = direction === 'request'
  }

  /** Whether all of `sub` fits `sup`. */
  fits(sub: Node, sup: Node, path: string): Change[] {
    const [a, b] = [textOf(sub), textOf(sup)]
    if (a === b && !a.includes('"$ref"')) return []
    const pair = `${a}\n${b}`
    if (this.assumed.has(pair)) return [] // also where a type leads back to itself
    this.assumed.add(pair)
    const changes = this.fitsKindByKind(variantsOf(sub, this.subRoot), variantsOf(sup, this.supRoot), path)
    this.assumed.delete(pair)
    return changes
  }

  private fitsKindByKind(subs: readonly Variant[], sups: readonly Variant[], path: string): Change[] {
    const used = new Set<Variant>()
    const changes = subs.flatMap((sub) => {
      const found = this.closest(sub, subs, sups, path)
      if (found === undefined) return [this.refused(path, sub, sups)]
      used.add(found.sup)
      return found.changes
    })
    const isTold = changes.some(({ path: at }) => at === path)
    const known = new Set(subs.map(textOf))
    const unused =
      isTold || known.has('{}') ? [] : sups.filter((sup) => !used.has(sup) && !known.has(textOf(sup)))
    return distinct([...changes, ...unused.map((sup) => this.loosened(path, sup))])
  }

  /** The kind that takes it in; else the one that it was meant to be, with all that stands against it. */
  private closest(sub: Variant, subs: readonly Variant[], sups: readonly Variant[], path: string) {
    const ofKind = sups.filter((sup) => isOfKind(sub, sup))
    const results = ofKind.map((sup) => ({ sup, changes: this.variantFits(sub, sup, path) }))
    const fitting = results.filter(({ changes }) => !hasBreaking(changes))
    if (fitting.length > 0) return fitting.toSorted((a, b) => a.changes.length - b.changes.length)[0]
    const alike = results.filter(({ sup }) => tagOf(sup) === tagOf(sub))
    if (alike.length === 1) return alike[0]
    const isOnly = subs.filter((other) => other['type'] === sub['type']).length === 1
    return results.length === 1 && isOnly ? results[0] : undefined
  }

  private refused(path: string, sub: Variant, sups: readonly Variant[]): Change {
    const own = sups.map(describe).join(' or ') || 'nothing'
    return this.isRequest
      ? breaking(path, 'type-narrowed', `took ${describe(sub)}, and takes only ${own} now`)
      : breaking(path, 'type-widened', `may be ${describe(sub)} now, and was only ${own}`)
  }

  private loosened(path: string, sup: Variant): Change {
    return this.isRequest
      ? change(path, 'type-widened', `takes ${describe(sup)} too`)
      : change(path, 'type-narrowed', `is ${describe(sup)} no more`)
  }

  private variantFits(sub: Variant, sup: Variant, path: string): Change[] {
    if (isAnything(sup)) return isAnything(sub) ? [] : [this.loosened(path, sup)]
    const limits = tighter(sub, sup)
    const changes = limits.length === 0 ? this.looserLimits(sub, sup, path) : [this.limited(sub, sup, path)]
    if ('const' in sub && !isObject(sub['const']))
      return 'const' in sup || limits.length > 0 ? changes : [this.loosened(path, sup)]
    return [...changes, ...this.fields(sub, sup, path), ...this.elements(sub, sup, path)]
  }

  private limited(sub: Variant, sup: Variant, path: string): Change {
    const [before, after] = this.isRequest ? [sub, sup] : [sup, sub]
    const words = `was ${describe(before)}, and is ${describe(after)} now`
    return breaking(path, this.isRequest ? 'type-narrowed' : 'type-widened', words)
  }

  private looserLimits(sub: Variant, sup: Variant, path: string): Change[] {
    const isSame = describe(sub) === describe(sup) || 'const' in sub
    if (isSame || (sub['type'] === sup['type'] && tighter(sup, sub).length === 0)) return []
    const [before, after] = this.isRequest ? [sub, sup] : [sup, sub]
    const words = `was ${describe(before)}, and is ${describe(after)} now`
    return [change(path, this.isRequest ? 'type-widened' : 'type-narrowed', words)]
  }

  private fields(sub: Variant, sup: Variant, path: string): Change[] {
    const pair = { sub: fieldsOf(sub), sup: fieldsOf(sup) }
    const [before, after] = this.isRequest ? [pair.sub, pair.sup] : [pair.sup, pair.sub]
    const removed = [...before.declared.keys()].filter((name) => !after.declared.has(name))
    const added = [...after.declared.keys()].filter((name) => !before.declared.has(name))
    const renames = this.renames(before, after, removed, added)
    const isRenamed = (name: string): boolean => renames.some((one) => one.from === name || one.to === name)
    const at = (name: string): string => joined(path, name)
    return [
      ...renames.map(({ from, to }) =>
        breaking(at(from), 'field-renamed', `is gone; it seems to be ${to} now`),
      ),
      ...removed
        .filter((name) => !isRenamed(name))
        .flatMap((name) => this.removed(before, after, name, at(name))),
      ...added
        .filter((name) => !isRenamed(name))
        .flatMap((name) => this.added(before, after, name, at(name))),
      ...[...before.declared.keys()]
        .filter((name) => after.declared.has(name))
        .flatMap((name) => this.kept(before, after, name, at(name))),
      ...this.rest(before, after, joined(path, '*')),
    ]
  }

  /** One that is gone and one that is new, of one type that isn't anything: no other is of it. */
  private renames(before: Fields, after: Fields, removed: readonly string[], added: readonly string[]) {
    const type = (fields: Fields, name: string): string => textOf(fields.declared.get(name))
    return removed.flatMap((from) => {
      const text = type(before, from)
      const [to, ...more] = added.filter((name) => type(after, name) === text)
      const isOnly = removed.filter((name) => type(before, name) === text).length === 1 && more.length === 0
      const isNamed = before.rest === 'ignored' && after.rest === 'ignored'
      return to !== undefined && isOnly && isNamed && text !== '{}' ? [{ from, to }] : []
    })
  }

  private removed(before: Fields, after: Fields, name: string, path: string): Change[] {
    const { rest } = after
    if (this.isRequest && typeof rest === 'object') return this.fits(before.declared.get(name)!, rest, path) // what any field may be
    return [breaking(path, 'field-removed', 'is gone')]
  }

  private added(before: Fields, after: Fields, name: string, path: string): Change[] {
    const node = after.declared.get(name)!
    const { rest } = before
    const held = typeof rest === 'object' ? this.fitsInOrder(rest, node, path) : []
    if (this.isRequest && after.required.has(name))
      return [...held, breaking(path, 'required-field-added', 'is new, and must be there')]
    return [...held, change(path, 'field-added', 'is new')] // S2
  }

  private kept(before: Fields, after: Fields, name: string, path: string): Change[] {
    const own = this.fitsInOrder(before.declared.get(name)!, after.declared.get(name)!, path)
    const [was, is] = [before.required.has(name), after.required.has(name)]
    if (was === is) return own
    const said = this.isRequest === is ? breaking : change
    const words = is ? 'could be absent, and must be there now' : 'was always there, and may be absent now'
    return [...own, said(path, is ? 'field-required' : 'field-optional', words)]
  }

  private fitsInOrder(before: Node, after: Node, path: string): Change[] {
    return this.isRequest ? this.fits(before, after, path) : this.fits(after, before, path)
  }

  /** The fields that aren't named. */
  private rest(before: Fields, after: Fields, path: string): Change[] {
    if (typeof before.rest === 'object') {
      if (typeof after.rest === 'object') return this.fitsInOrder(before.rest, after.rest, path)
      const isStillTaken = this.isRequest && after.rest === 'ignored'
      return isStillTaken
        ? [change(path, 'type-widened', 'may be anything now')]
        : [breaking(path, 'field-removed', 'is declared no more: fields of any name')]
    }
    if (!this.isRequest || before.rest === 'refused' || after.rest === 'ignored') return []
    const words = after.rest === 'refused' ? 'is refused now' : 'is checked now'
    return [breaking(path, 'type-narrowed', `(a field that isn't named) ${words}`)]
  }

  private elements(sub: Variant, sup: Variant, path: string): Change[] {
    const [a, b] = [elementsOf(sub), elementsOf(sup)]
    const count = Math.max(a.first.length, b.first.length)
    const each = Array.from({ length: count }, (_, i) => i).flatMap((i) =>
      this.fits(a.first[i] ?? a.rest, b.first[i] ?? b.rest, `${path}[${i}]`),
    )
    return [...each, ...this.fits(a.rest, b.rest, `${path}[]`)]
  }
}

interface Fields {
  readonly declared: ReadonlyMap<string, Node>
  readonly required: ReadonlySet<unknown>
  /** Fields of other names. `ignored`: nobody looks. */
  readonly rest: Schema | 'ignored' | 'refused'
}

function fieldsOf({ properties, required, additionalProperties: more }: Variant): Fields {
  const names = Array.isArray(required) ? required.map((name) => [String(name), {}]) : []
  const declared = Object.entries({
    ...(Object.fromEntries(names) as Schema),
    ...(isObject(properties) ? properties : {}),
  })
  const isSaid = isObject(more) && Object.keys(more).length > 0
  return {
    declared: new Map(declared.map(([name, node]) => [name, nodeOf(node)])),
    required: new Set(Array.isArray(required) ? required : []),
    rest: isSaid ? more : more === false ? 'refused' : 'ignored',
  }
}

function elementsOf({ prefixItems, items }: Variant): { first: Node[]; rest: Node } {
  return {
    first: Array.isArray(prefixItems) ? prefixItems.map(nodeOf) : [],
    rest: items === undefined ? true : nodeOf(items),
  }
}

/** Type, and the constants in its fields: what people tell the kinds of a union apart by. */
function tagOf(variant: Variant): string {
  const { properties } = variant
  const fields = Object.entries(isObject(properties) ? properties : {})
  const tags = fields.filter(([, node]) => isObject(node) && 'const' in node)
  const values = tags.map(([name, node]) => [name, (node as Schema)['const']])
  return textOf([variant['type'] ?? null, variant['const'] ?? null, values.toSorted()])
}

/** `rpc sum request` and `lines` → `rpc sum request.lines`. */
const joined = (path: string, name: string): string => `${path}.${name}`

function distinct(changes: readonly Change[]): Change[] {
  const seen = new Map(changes.map((one) => [`${one.kind} ${one.message}`, one]))
  return [...seen.values()]
}
