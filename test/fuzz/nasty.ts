/** Values that somebody, somewhere, has not thought of. As text where JSON can't say them as values. */
import type { Chance } from '../fault/seeded.js'

/** Some have subscribers all the time, some are made for one case and forgotten. */
const channels = [
  'kept:a',
  'kept:b',
  'kept:c',
  'kept:d',
  'quick:a',
  'quick:b',
  'quick:c',
  'seen:a',
  'seen:b',
  'seen:c',
  'short:a',
  'short:b',
  'plain',
  'tagged:a',
  'cached:a',
  'cached:b',
  'patched:a',
  'patched:b',
  'kept:limited#ana',
  'kept:limited#ana,ben',
  'kept:#',
  '$kept:private',
  '$private',
]

const oddChannels = [
  '',
  ':',
  '::',
  '#',
  '$',
  '$:',
  'kept:',
  ':a',
  'nowhere:a',
  'kept:a.b',
  'kept:*',
  'kept:>',
  'kept:a b',
  '*',
  '>',
  'kept:\u0000',
  'kept:\n',
  'kept:\r\n',
  'kept:é',
  'kept:日本',
  'kept:😀',
  'kept:\ud83d',
  'kept:%2e%2e',
  '../../etc',
  '_INBOX.x',
  '__proto__',
  'constructor',
  'kept:__proto__',
  'kept:toString',
  'plain:'.repeat(9),
  '/pattern',
  '&x',
  '$SYS.x',
  '$JS.API.INFO',
  'k'.repeat(255),
  `kept:${'k'.repeat(250)}`,
  `kept:${'k'.repeat(251)}`,
  'é'.repeat(127),
  'é'.repeat(128),
  'k'.repeat(3_000),
]

const oddTexts = [
  '',
  ' ',
  '\u0000',
  '\n',
  '"',
  '\\',
  '\u2028',
  '\ufeff',
  '\ufffd',
  '\ud800',
  '\udc00\ud800',
  '😀',
  'null',
  'true',
  '0',
  '__proto__',
  '%s%n',
  "' or 1=1 --",
  '<script>',
  '${x}',
  '{{x}}',
  '../'.repeat(20),
  '\u202e',
  'İ',
  'ß',
  'a\u0300'.repeat(40),
]

export const anyChannel = (chance: Chance): string => {
  const draw = chance.next()
  if (draw < 0.75) return chance.pick(channels)
  if (draw < 0.85) return `${chance.pick(['kept', 'quick', 'seen'])}:once-${chance.whole(0, 1e6)}`
  return draw < 0.98 ? chance.pick(oddChannels) : anyText(chance)
}

export function anyText(chance: Chance): string {
  const draw = chance.next()
  if (draw < 0.5) return chance.pick(oddTexts)
  if (draw < 0.8) return chance.pick(['ana', 'ben', 'abc', 'text', 'fossil', 'x'])
  const length = draw < 0.97 ? chance.whole(1, 80) : chance.whole(1_000, 20_000)
  return String.fromCharCode(...Array.from({ length }, () => chance.whole(0, draw < 0.9 ? 0x7f : 0xffff)))
}

/** As JSON writes them, and as it doesn't. */
const oddNumbers = [
  '0',
  '-0',
  '1',
  '-1',
  '0.5',
  '1e0',
  '1e3',
  '1E400',
  '-1e400',
  '1e-400',
  '4294967295',
  '4294967296',
  '2147483648',
  '-2147483649',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '18446744073709551615',
  '18446744073709551616',
  '1'.repeat(400),
]

const noJson = [
  '01',
  '+1',
  '.5',
  'NaN',
  'Infinity',
  'undefined',
  "'x'",
  '{a:1}',
  '[1,]',
  '{"a":1,}',
  '"\t"',
  '"\\x"',
  '',
  '//',
  '"\\u12"',
]

export const anyNumber = (chance: Chance): string =>
  chance.next() < 0.6 ? String(chance.whole(0, 20)) : chance.pick(oddNumbers)

/** A JSON string, sometimes with everything escaped. Lone surrogates stay escapes: as bytes there is no such text. */
export function quoted(chance: Chance, text: string): string {
  if (text.length < 60 && chance.next() < 0.05)
    return `"${[...text].map((_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
  return JSON.stringify(text)
}

/** Some JSON value as text: `depth` 0 is no container. */
export function anyJson(chance: Chance, depth = 3): string {
  const draw = chance.next()
  const inner = (): string => anyJson(chance, depth - 1)
  if (depth > 0 && draw < 0.25)
    return `{${list(chance, () => `${quoted(chance, anyText(chance))}:${inner()}`).join(',')}}`
  if (depth > 0 && draw < 0.4) return `[${list(chance, inner).join(',')}]`
  if (draw < 0.6) return quoted(chance, anyText(chance))
  if (draw < 0.8) return anyNumber(chance)
  return chance.pick(['null', 'true', 'false', '{}', '[]', '""', '"\\ud800"', '{"__proto__":{"x":1}}'])
}

const list = (chance: Chance, one: () => string): string[] => Array.from({ length: chance.whole(0, 4) }, one)

/** Where something else belongs: another type, no JSON at all, or more of it than anybody meant. */
export function wrongJson(chance: Chance): string {
  const draw = chance.next()
  if (draw < 0.75) return anyJson(chance)
  if (draw < 0.9) return chance.pick(noJson)
  const depth = chance.pick([10, 63, 64, 65, 500, 5_000, 20_000])
  const [open, close] = chance.pick([
    ['[', ']'],
    ['{"a":', '}'],
    ['{"nodes":[', ']}'],
    ['{"op":"not","nodes":[', ']}'],
  ] as const)
  const most = Math.min(depth, Math.floor(60_000 / (open.length + close.length)))
  return (
    open.repeat(most) + chance.pick(['1', '', '{}', '""']) + (chance.next() < 0.8 ? close.repeat(most) : '')
  )
}

export function randomBytes(chance: Chance, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; at += 1) bytes[at] = chance.whole(0, 255)
  return bytes
}

/** Cut, doubled, turned, strewn with bytes: 1 to 3 times. */
export function damaged(chance: Chance, bytes: Buffer): Buffer {
  let now = bytes
  for (let times = chance.whole(1, 3); times > 0; times -= 1) now = damagedOnce(chance, now)
  return now
}

function damagedOnce(chance: Chance, bytes: Buffer): Buffer {
  const at = chance.whole(0, bytes.length)
  const end = Math.min(bytes.length, at + chance.whole(0, 12))
  switch (chance.whole(0, 5)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])
    case 2:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
    case 3:
      return Buffer.concat([
        bytes.subarray(0, at),
        randomBytes(chance, chance.whole(1, 8)),
        bytes.subarray(at),
      ])
    case 4: {
      const text = chance.pick([
        '\n',
        '\n\n',
        '\r\n',
        '\u0000',
        '{',
        '}',
        '"',
        '[',
        '\\',
        '\ufeff',
        ',',
        '{}',
        '\n{}\n',
      ])
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(text), bytes.subarray(at)])
    }
    default: {
      const turned = Buffer.from(bytes)
      if (at < turned.length) turned[at] = (turned[at] ?? 0) ^ (1 << chance.whole(0, 7))
      return turned
    }
  }
}
