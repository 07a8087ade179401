import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { compileFunction } from 'node:vm'
import { applyPatch, createPatch, type PatchBorder } from './delta.js'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const isText = (bytes: Uint8Array): boolean => {
  try {
    strict.decode(bytes)
    return true
  } catch {
    return false
  }
}

/** The decoder inside the npm package `centrifuge`, which does not export it. */
const sdkDecoder = ((): ((base: Uint8Array, patch: Uint8Array) => Uint8Array) => {
  const source = readFileSync(createRequire(import.meta.url).resolve('centrifuge'), 'utf8')
  const text = source.slice(source.indexOf('const zValue'), source.indexOf('class JsonCodec'))
  return compileFunction(`${text}; return applyDelta`)() as (
    base: Uint8Array,
    patch: Uint8Array,
  ) => Uint8Array
})()

/** The inserts of a patch, and where its copies begin and end. */
function segmentsOf(patch: Uint8Array): { inserts: Uint8Array[]; copies: { from: number; to: number }[] } {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~'
  let at = 0
  const integer = (): number => {
    let value = 0
    for (;;) {
      const digit = digits.indexOf(String.fromCharCode(patch[at] ?? 0))
      if (digit < 0) return value
      value = value * 64 + digit
      at += 1
    }
  }
  const found: ReturnType<typeof segmentsOf> = { inserts: [], copies: [] }
  integer()
  for (at += 1; ;) {
    const count = integer()
    const sign = String.fromCharCode(patch[at] ?? 0)
    at += 1
    if (sign === ';') return found
    if (sign === ':') {
      found.inserts.push(patch.slice(at, at + count))
      at += count
      continue
    }
    const from = integer()
    at += 1
    found.copies.push({ from, to: from + count })
  }
}

function expectRoundTrip(base: Uint8Array, target: Uint8Array, border: PatchBorder): void {
  const patch = createPatch(base, target, border)
  if (patch === undefined) return
  expect(patch.length).toBeLessThan(target.length) // P3
  expect(applyPatch(base, patch)).toEqual(target) // P1
  expect(Uint8Array.from(sdkDecoder(base, patch))).toEqual(target)
  if (border === 'byte') return
  const { inserts, copies } = segmentsOf(patch) // P2
  expect(isText(patch)).toBe(true)
  expect(inserts.every(isText)).toBe(true)
  expect(copies.every(({ from, to }) => isText(base.subarray(from, to)))).toBe(true)
}

const alphabets = [
  [...'абвгдежзий '],
  [...'ab1,":{}'],
  ['😀', '😁', '🇩🇪', '👩‍👩‍👧', '\u{10ffff}', '\u{5f600}'],
  ['e\u0301', 'e\u0300', 'é', 'ü'],
  [...'漢字仮名', '\u07ff', '\u0800', '\uffff', '\ufeff'],
]
const letter = fc.oneof(
  ...alphabets.map((letters) => fc.constantFrom(...letters)),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
)
const text = fc.array(letter, { maxLength: 120 }).map((letters) => letters.join(''))
const longText = fc.array(letter, { maxLength: 300, size: 'max' }).map((letters) => letters.join(''))
const repeated = fc.tuple(text, fc.nat(6)).map(([part, times]) => part.repeat(times + 1))

/** A text, and the same with a few stretches of characters replaced, taken out, put in or moved. */
const editedOf = (texts: fc.Arbitrary<string>): fc.Arbitrary<{ base: Uint8Array; target: Uint8Array }> =>
  fc
    .tuple(texts, fc.array(fc.tuple(fc.nat(), fc.nat(12), text, fc.boolean()), { maxLength: 4 }))
    .map(([before, edits]) => {
      let letters = [...before]
      for (const [place, count, put, isMoved] of edits) {
        const at = place % (letters.length + 1)
        const taken = letters.splice(at, count, ...(isMoved ? [] : [...put].slice(0, 12)))
        if (isMoved) letters = taken.concat(letters)
      }
      return { base: utf8(before), target: utf8(letters.join('')) }
    })
const edited = editedOf(fc.oneof(text, repeated))

describe('createPatch', () => {
  it('[8.5] is text at every border, whatever is edited in a text, and both decoders read it back', () => {
    fc.assert(
      fc.property(edited, ({ base, target }) => expectRoundTrip(base, target, 'character')),
      { numRuns: 1_000 },
    )
  })

  it('[8.5] is text at every border of long texts too', () => {
    fc.assert(
      fc.property(editedOf(longText), ({ base, target }) => expectRoundTrip(base, target, 'character')),
      { numRuns: 200 },
    )
  })

  it('[8.5] is text between two texts that have nothing to do with each other', () => {
    fc.assert(
      fc.property(repeated, repeated, (a, b) => expectRoundTrip(utf8(a), utf8(b), 'character')),
      { numRuns: 500 },
    )
  })

  it('[8.5] round-trips for any bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ maxLength: 300, size: 'max', max: 2 }),
    )
    fc.assert(
      fc.property(bytes, bytes, bytes, bytes, (a, b, c, d) => {
        expectRoundTrip(Buffer.concat([a, b, c]), Uint8Array.from(Buffer.concat([a, d, c, b])), 'byte')
      }),
      { numRuns: 500 },
    )
  })

  it('[8.5] any bytes round-trip where borders were asked to be characters, though they are no text', () => {
    const bytes = fc.uint8Array({ maxLength: 200, min: 120, max: 200 })
    fc.assert(
      fc.property(bytes, bytes, bytes, (a, b, c) => {
        const [base, target] = [Buffer.concat([a, b, a]), Uint8Array.from(Buffer.concat([a, c, a]))]
        const patch = createPatch(base, target, 'character')
        if (patch !== undefined) expect(applyPatch(base, patch)).toEqual(target)
      }),
    )
  })

  it.each([
    ['a Cyrillic letter that shares its first byte', '{"text":"Добрый день, коллеги!"}', 'день', 'дань'],
    ['a Cyrillic letter that shares its second byte', '{"text":"Добрый день, коллеги!"}', 'р', 'ѐ'],
    ['an emoji that shares three bytes', '{"mood":"😀😀😀😀😀😀😀😀😀😀😀"}', '😀😀}', '😀😁}'],
    [
      'a character of another plane that shares its last three bytes',
      `{"name":"\u{1f600}${'x'.repeat(20)}"}`,
      '\u{1f600}',
      '\u{5f600}',
    ],
    ['a combining accent', '{"name":"René, Chloé, Zoé, Noé, André"}', 'e\u0301', 'e\u0300'],
  ])('[8.5] %s: a small patch, and no half characters', (_what, before, from, to) => {
    const [base, target] = [utf8(before), utf8(before.replace(from, to))]
    const patch = createPatch(base, target, 'character')
    expect(patch?.length).toBeLessThan(target.length)
    expectRoundTrip(base, target, 'character')
  })

  it('[8.5] a number that changed inside a long text costs a few bytes', () => {
    const row = (price: string): Uint8Array =>
      utf8(`{"symbol":"EURUSD","bid":${price},"ask":1.0902,"depth":[${'[1.09,100],'.repeat(40)}[1,2]]}`)
    const patch = createPatch(row('1.0899'), row('1.0901'), 'character')
    expect(patch?.length).toBeLessThan(30)
  })

  it('[8.5] a row put into the middle of many costs little more than the row', () => {
    const rows = Array.from(
      { length: 200 },
      (_, n) => `{"id":${n},"name":"player ${n * 7}","score":${n * n}}`,
    )
    const base = utf8(`[${rows.join(',')}]`)
    const target = utf8(`[${rows.toSpliced(100, 1).toSpliced(20, 0, '{"new":true}').join(',')}]`)
    expect(createPatch(base, target, 'character')?.length).toBeLessThan(60)
    expectRoundTrip(base, target, 'character')
  })

  it('[8.5] rows put into a text that is longer than what is remembered of it cost little more than the rows', () => {
    const rows = Array.from(
      { length: 5_000 },
      (_, n) => `{"id":${n},"name":"player ${n * 7}","score":${n * n}}`,
    )
    const base = utf8(`[${rows.join(',')}]`)
    const target = utf8(
      `[${rows.toSpliced(4_000, 1).toSpliced(2_000, 0, '{"new":true}').toSpliced(100, 0, '{"new":1}').join(',')}]`,
    )
    expect(base.length).toBeGreaterThan(2 * 65_536)
    expect(createPatch(base, target, 'character')?.length).toBeLessThan(120)
    expectRoundTrip(base, target, 'character')
  })

  it('[8.5] nothing in common, nothing to copy from, nothing to say: no patch', () => {
    expect(createPatch(utf8('aaaaaaaaaaaaaaaaaaaaaaa'), utf8('bcdefghijklmnopqrst'), 'byte')).toBeUndefined()
    expect(createPatch(utf8(''), utf8('{"a":1}'), 'byte')).toBeUndefined()
    expect(createPatch(utf8('{"a":1}'), utf8(''), 'byte')).toBeUndefined()
    expect(createPatch(utf8('1'), utf8('2'), 'character')).toBeUndefined()
  })

  it('[8.5] the same again costs its length, one copy and the checksum', () => {
    const value = utf8(JSON.stringify({ list: Array.from({ length: 100 }, (_, n) => n) }))
    expect(createPatch(value, value, 'character')?.length).toBeLessThan(20)
    expectRoundTrip(value, value, 'character')
  })

  it.each(hostile())('[8.5] a megabyte of %s is patched in bounded work', (_what, base, target) => {
    for (const border of ['byte', 'character'] as const) {
      const patch = createPatch(base, target, border)
      const isSame = patch === undefined || Buffer.compare(applyPatch(base, patch) ?? base, target) === 0
      expect(isSame).toBe(true) // not `toEqual`: it takes seconds for a megabyte
    }
  })
})

/** What makes a matcher without bounds quadratic; each would take minutes. */
function hostile(): [string, Uint8Array, Uint8Array][] {
  const size = 1_048_576
  const same = new Uint8Array(size).fill(0x61)
  const almost = same.map((byte, at) => (at % 4_099 === 0 ? 0x62 : byte))
  const period = same.map((_, at) => 0x61 + (at % 9))
  const shifted = same.map((_, at) => 0x61 + (at % 9 === 8 ? (at >> 4) % 26 : at % 9))
  const inside = same.map(() => 0x80)
  return [
    ['one byte', same, almost],
    ['almost one byte', almost, Uint8Array.from([0x7a, ...same.subarray(1)])],
    ['one period', period, shifted],
    ['near repeats', shifted, period],
    ['bytes that only continue', inside, Uint8Array.from([0x61, ...inside.subarray(0, size - 2), 0x62])],
  ]
}

describe('applyPatch', () => {
  const base = utf8('a base that is long enough to copy from')

  it.each([
    ['is empty', ''],
    ['has no size', '\n0;'],
    ['ends early', '5\n5@0,'],
    ['copies past the end of its base', '~~\n~~@0,0;'],
    ['copies more than it promised', '2\n5@0,0;'],
    ['inserts more than it holds', '9\n9:abc'],
    ['promises more than it writes', '9\n5@0,0;'],
    ['has another checksum', '5\n5@0,0;'],
    ['promises gigabytes', '3~~~~~\n0;'],
    ['has an operator that is none', '5\n5?0,0;'],
    ['has a number without end', `${'1'.repeat(100)}\n0;`],
    ['goes on behind its end', '0\n0;0;'],
  ])('[8.5] answers undefined to a patch that %s', (_what, patch) => {
    expect(applyPatch(base, utf8(patch))).toBeUndefined()
  })

  it('[8.5] refuses the patch of another base', () => {
    const target = utf8('a base that is very long enough to copy from')
    const patch = createPatch(base, target, 'byte') ?? utf8('')
    expect(applyPatch(base.toReversed(), patch)).toBeUndefined()
  })

  it('[8.5] never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => void applyPatch(a, b)))
  })
})
