import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Limits } from '../limits.js'
import type { FilterNode } from '../messages.js'
import { compareDecimals, parseDecimal } from './decimal.js'
import { checkFilter, compileFilter, type Tags } from './tags-filter.js'

const leaf = (cmp: string, val: string): FilterNode => ({ key: 'k', cmp, val })
const list = (cmp: string, ...vals: string[]): FilterNode => ({ key: 'k', cmp, vals })
const matches = (filter: FilterNode, tags?: Tags): boolean => compileFilter(filter)(tags)
const deep = (depth: number): FilterNode =>
  depth === 1 ? leaf('eq', 'a') : { op: 'not', nodes: [deep(depth - 1)] }

describe('checkFilter', () => {
  it.each<[string, FilterNode]>([
    ['no cmp', { key: 'k', val: 'a' }],
    ['an unknown cmp', leaf('matches', 'a')],
    ['the name of a method as cmp', leaf('constructor', 'a')],
    ['an unknown op', { op: 'xor', nodes: [leaf('eq', 'a')] }],
    ['no key', { cmp: 'eq', val: 'a' }],
    ['in without key', { cmp: 'in', vals: ['a'] }],
    ['in without vals', { key: 'k', cmp: 'in' }],
    ['in with val', { key: 'k', cmp: 'in', vals: ['a'], val: 'a' }],
    ['nin without vals', { key: 'k', cmp: 'nin', vals: [] }],
    ['ex with val', leaf('ex', 'a')],
    ['nex with vals', list('nex', 'a')],
    ['eq without val', { key: 'k', cmp: 'eq' }],
    ['gt with vals', { key: 'k', cmp: 'gt', val: '1', vals: ['1'] }],
    ['not of two', { op: 'not', nodes: [leaf('eq', 'a'), leaf('eq', 'b')] }],
    ['not of nothing', { op: 'not' }],
    ['and of nothing', { op: 'and', nodes: [] }],
    ['or of nothing', { op: 'or' }],
    ['a broken leaf inside', { op: 'or', nodes: [leaf('eq', 'a'), { op: 'and', nodes: [{}] }] }],
    ['too deep a tree', deep(Limits.maxFilterDepth + 1)],
    [
      'too many nodes',
      { op: 'or', nodes: Array.from({ length: Limits.maxFilterNodes }, () => leaf('eq', 'a')) },
    ],
    [
      'too many values in several lists',
      {
        op: 'or',
        nodes: Array.from({ length: 11 }, () =>
          list('in', ...Array<string>(Limits.maxFilterValues / 10).fill('a')),
        ),
      },
    ],
    ['too many values', list('in', ...Array.from({ length: Limits.maxFilterValues + 1 }, (_, n) => `${n}`))],
  ])('[14.1] finds %s', (_what, filter) => {
    expect(checkFilter(filter)).toEqual(expect.any(String))
  })

  it.each<[string, FilterNode]>([
    ['ex without key', { cmp: 'ex' }],
    ['nex without key', { cmp: 'nex' }],
    ['a comparison with what is no number', leaf('gt', 'ten')],
    ['as deep a tree as may be', deep(Limits.maxFilterDepth)],
    ['an empty string among vals', list('in', '')],
  ])('[14.1] accepts %s', (_what, filter) => {
    expect(checkFilter(filter)).toBeUndefined()
  })
})

describe('compileFilter', () => {
  it.each<[FilterNode, string, boolean]>([
    [leaf('eq', 'a'), 'a', true],
    [leaf('eq', 'a'), 'A', false],
    [leaf('neq', 'a'), 'b', true],
    [leaf('neq', 'a'), 'a', false],
    [list('in', 'a', 'b'), 'b', true],
    [list('in', 'a', 'b'), 'c', false],
    [list('nin', 'a', 'b'), 'c', true],
    [list('nin', 'a', 'b'), 'a', false],
    [{ key: 'k', cmp: 'ex' }, '', true],
    [{ key: 'k', cmp: 'nex' }, '', false],
    [leaf('sw', 'aб'), 'aбв', true],
    [leaf('sw', 'б'), 'aбв', false],
    [leaf('ew', 'в'), 'aбв', true],
    [leaf('ew', 'б'), 'aбв', false],
    [leaf('ct', 'б'), 'aбв', true],
    [leaf('ct', 'г'), 'aбв', false],
    [leaf('lt', '10'), '9', true],
    [leaf('lt', '9'), '10', false],
    [leaf('lte', '1.0'), '1', true],
    [leaf('gt', '9007199254740992'), '9007199254740993', true],
    [leaf('gt', '0.1'), '0.10000000000000000000000001', true],
    [leaf('gte', '-1'), '-1.5', false],
    [leaf('gte', '-0'), '+0.0', true],
    [leaf('gte', '0'), '-0.0', true],
    [leaf('lt', '0'), '-0', false],
    [leaf('gt', '1'), 'two', false],
    [leaf('lte', 'two'), '1', false],
    [leaf('lt', '1e3'), '1', false],
    [leaf('gt', '1'), '9'.repeat(200), true],
    [leaf('gt', '1'), '9'.repeat(201), false],
  ])('[14.2] %j of %j is %s', (filter, tag, expected) => {
    expect(matches(filter, { k: tag })).toBe(expected)
  })

  it.each(['eq', 'neq', 'sw', 'ew', 'ct', 'lt', 'lte', 'gt', 'gte'])('[14.2] a missing tag and %s', (cmp) => {
    for (const tags of [undefined, {}, { other: '1' }])
      expect(matches(leaf(cmp, '1'), tags)).toBe(cmp === 'neq')
  })

  it('[14.2] a missing tag is in no list, and does not exist', () => {
    expect(matches(list('in', '', 'undefined'))).toBe(false)
    expect(matches(list('nin', '', 'undefined'))).toBe(true)
    expect(matches({ key: 'k', cmp: 'ex' })).toBe(false)
    expect(matches({ key: 'k', cmp: 'nex' })).toBe(true)
  })

  it('[14.2] no key finds what tags inherit', () => {
    expect(matches({ key: 'toString', cmp: 'ex' }, {})).toBe(false)
    expect(matches({ key: '__proto__', cmp: 'ex' }, {})).toBe(false)
  })

  const tag = fc.constantFrom('a', 'b', '1', '2.5', '10', '-3', 'x1')
  const tags = fc.dictionary(fc.constantFrom('k', 'l', '__proto__'), tag)
  const anyLeaf = fc.oneof(
    fc.record({
      key: fc.constantFrom('k', 'l'),
      cmp: fc.constantFrom('eq', 'neq', 'sw', 'ew', 'ct', 'lt', 'lte', 'gt', 'gte'),
      val: tag,
    }),
    fc.record({
      key: fc.constantFrom('k', 'l'),
      cmp: fc.constantFrom('in', 'nin'),
      vals: fc.array(tag, { minLength: 1 }),
    }),
    fc.record({ key: fc.constantFrom('k', 'l'), cmp: fc.constantFrom('ex', 'nex') }),
  )
  const { tree } = fc.letrec<{ tree: FilterNode }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      anyLeaf,
      fc.record({
        op: fc.constantFrom('and', 'or'),
        nodes: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ op: fc.constant('not'), nodes: fc.tuple(tie('tree')) }),
    ),
  }))

  it('[14.2] not turns each filter round, and and/or exchange under it', () => {
    fc.assert(
      fc.property(tree, tree, tags, (a, b, some) => {
        const not = (node: FilterNode): FilterNode => ({ op: 'not', nodes: [node] })
        expect(checkFilter(a)).toBeUndefined()
        expect(matches(not(a), some)).toBe(!matches(a, some))
        expect(matches(not({ op: 'and', nodes: [a, b] }), some)).toBe(
          matches({ op: 'or', nodes: [not(a), not(b)] }, some),
        )
      }),
    )
  })

  it('[14.2] whatever checkFilter accepts can be compiled and asked', () => {
    const anything = fc.record(
      {
        op: fc.constantFrom('', 'and', 'or', 'not', 'xor'),
        key: fc.string(),
        cmp: fc.constantFrom('eq', 'in', 'ex', 'gt', 'no'),
        val: fc.string(),
        vals: fc.array(fc.string()),
        nodes: fc.array(anyLeaf),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(anything, tags, (filter, some) => {
        if (checkFilter(filter) === undefined) expect(typeof matches(filter, some)).toBe('boolean')
      }),
    )
  })
})

describe('decimals', () => {
  const scaled = fc.tuple(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.nat(30))
  const textOf = ([value, places]: [bigint, number]): string => {
    const digits = (value < 0n ? -value : value).toString().padStart(places + 1, '0')
    const cut = digits.length - places
    const sign = value < 0n ? '-' : ''
    return places === 0 ? sign + digits : `${sign}${digits.slice(0, cut)}.${digits.slice(cut)}`
  }

  it('[14.2] are ordered as whole numbers of any size order them', () => {
    fc.assert(
      fc.property(scaled, scaled, (a, b) => {
        const [x, y] = [a[0] * 10n ** BigInt(30 - a[1]), b[0] * 10n ** BigInt(30 - b[1])]
        const [left, right] = [parseDecimal(textOf(a)), parseDecimal(textOf(b))]
        if (left === undefined || right === undefined) throw new Error('not read')
        expect(Math.sign(compareDecimals(left, right))).toBe(x === y ? 0 : x < y ? -1 : 1)
      }),
    )
  })

  it.each(['', '.', '1.', '.5', '1e3', '0x1', '1_000', '--1', ' 1', '1 ', 'NaN', 'Infinity', '١'])(
    '[14.2] %j is no number',
    (text) => {
      expect(parseDecimal(text)).toBeUndefined()
    },
  )
})
