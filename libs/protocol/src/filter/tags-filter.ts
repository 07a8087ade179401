/**
 * Which publications a subscriber wants, told by their tags. [14]
 *
 * T1. A filter that {@link checkFilter} accepts can be compiled, and never throws.
 * T2. What it costs is bounded: nodes, values and depth are counted here, the length of numbers in `decimal.ts`, and the rest by the
 *     message that brought it.
 * T3. A missing tag matches `neq`, `nin` and `nex`, and nothing else. Tags are looked up as own properties: no name finds a method.
 */
import { Limits } from '../limits.js'
import type { FilterNode } from '../messages.js'
import { compareDecimals, parseDecimal } from './decimal.js'

export type Tags = Readonly<Record<string, string>>

/** What is wrong with a filter, for people; the client is answered with 107. */
export type FilterProblem = string

export type Matches = (tags: Tags | undefined) => boolean

type Compare = (tag: string | undefined) => boolean

const ofText =
  (test: (tag: string, value: string) => boolean) =>
  ({ val = '' }: FilterNode): Compare =>
  (tag) =>
    tag !== undefined && test(tag, val)

const ofList =
  (isIn: boolean) =>
  (node: FilterNode): Compare => {
    const values = new Set(node.vals)
    return (tag) => (tag !== undefined && values.has(tag)) === isIn
  }

/** What isn't a number is neither above nor below one. */
const ofNumber =
  (test: (order: number) => boolean) =>
  ({ val = '' }: FilterNode): Compare => {
    const value = parseDecimal(val)
    return (tag) => {
      const number = tag === undefined || value === undefined ? undefined : parseDecimal(tag)
      return number !== undefined && value !== undefined && test(compareDecimals(number, value))
    }
  }

type Takes = 'value' | 'values' | 'nothing'

interface Comparison {
  takes: Takes
  create(leaf: FilterNode): Compare
}

const comparisons: ReadonlyMap<string, Comparison> = new Map<string, Comparison>([
  ['eq', { takes: 'value', create: ofText((tag, value) => tag === value) }],
  [
    'neq',
    {
      takes: 'value',
      create:
        ({ val }) =>
        (tag) =>
          tag !== val,
    },
  ],
  ['in', { takes: 'values', create: ofList(true) }],
  ['nin', { takes: 'values', create: ofList(false) }],
  ['ex', { takes: 'nothing', create: () => (tag) => tag !== undefined }],
  ['nex', { takes: 'nothing', create: () => (tag) => tag === undefined }],
  ['sw', { takes: 'value', create: ofText((tag, value) => tag.startsWith(value)) }],
  ['ew', { takes: 'value', create: ofText((tag, value) => tag.endsWith(value)) }],
  ['ct', { takes: 'value', create: ofText((tag, value) => tag.includes(value)) }],
  ['lt', { takes: 'value', create: ofNumber((order) => order < 0) }],
  ['lte', { takes: 'value', create: ofNumber((order) => order <= 0) }],
  ['gt', { takes: 'value', create: ofNumber((order) => order > 0) }],
  ['gte', { takes: 'value', create: ofNumber((order) => order >= 0) }],
])

/** Undefined: it makes sense. */
export function checkFilter(filter: FilterNode): FilterProblem | undefined {
  return new Check().node(filter, 1)
}

/** T2. */
class Check {
  private nodes = 0
  private values = 0

  node(node: FilterNode, depth: number): FilterProblem | undefined {
    this.nodes += 1
    this.values += node.vals?.length ?? 0
    if (depth > Limits.maxFilterDepth) return `is nested deeper than ${Limits.maxFilterDepth}`
    if (this.nodes > Limits.maxFilterNodes) return `has more than ${Limits.maxFilterNodes} nodes`
    if (this.values > Limits.maxFilterValues) return `lists more than ${Limits.maxFilterValues} values`
    switch (node.op ?? '') {
      case '':
        return checkLeaf(node)
      case 'and':
      case 'or':
        return this.inner(node, depth, Infinity)
      case 'not':
        return this.inner(node, depth, 1)
      default:
        return 'has an op that is none of and, or, not'
    }
  }

  private inner({ op, nodes = [] }: FilterNode, depth: number, most: number): FilterProblem | undefined {
    if (nodes.length === 0) return `has an '${op}' of nothing`
    if (nodes.length > most) return `has a '${op}' of more than ${most}`
    for (const node of nodes) {
      const problem = this.node(node, depth + 1)
      if (problem !== undefined) return problem
    }
    return undefined
  }
}

function checkLeaf({ key = '', cmp = '', val = '', vals = [] }: FilterNode): FilterProblem | undefined {
  const takes = comparisons.get(cmp)?.takes
  if (takes === undefined) return `has a cmp that is none of ${[...comparisons.keys()].join(', ')}`
  if (key === '' && takes !== 'nothing') return `has a '${cmp}' without key`
  if ((val !== '') !== (takes === 'value'))
    return takes === 'value' ? `has a '${cmp}' without val` : `has a '${cmp}' with a val`
  if (vals.length > 0 !== (takes === 'values'))
    return takes === 'values' ? `has a '${cmp}' without vals` : `has a '${cmp}' with vals`
  return undefined
}

/** Of a filter that {@link checkFilter} accepts (T1). */
export function compileFilter(filter: FilterNode): Matches {
  const { op = '', nodes = [] } = filter
  if (op === '') return compileLeaf(filter)
  const parts = nodes.map(compileFilter)
  if (op === 'and') return (tags) => parts.every((matches) => matches(tags))
  if (op === 'or') return (tags) => parts.some((matches) => matches(tags))
  return (tags) => !parts.some((matches) => matches(tags))
}

function compileLeaf(leaf: FilterNode): Matches {
  const { key = '', cmp = '' } = leaf
  const compare = comparisons.get(cmp)?.create(leaf)
  if (compare === undefined) return () => false
  return (tags) => compare(tags !== undefined && Object.hasOwn(tags, key) ? tags[key] : undefined)
}
