import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Command } from '../messages.js'
import { parseJson } from './json-decoder.js'
import { readPlainPublishes } from './plain-publish.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const read = (text: string): Command[] | undefined => readPlainPublishes(bytes(text))

/** Both ways read the same bytes to the same commands. Data as text: buffers of either kind are equal then. */
const plain = (commands: Command[] | undefined): unknown =>
  commands?.map((command) =>
    command.method === 'publish'
      ? { ...command, request: { ...command.request, data: new TextDecoder().decode(command.request.data) } }
      : command,
  )

function requireSame(message: Uint8Array): 'short' | 'long' {
  const short = readPlainPublishes(message)
  if (short === undefined) return 'long'
  expect(plain(short)).toEqual(plain(parseJson(message)))
  return 'short'
}

describe('publishes as SDKs write them', () => {
  const json = fc.oneof(
    fc.json({ maxDepth: 5 }),
    fc.json({ stringUnit: 'binary' }),
    fc.constantFrom(
      '1E2',
      '-0',
      '-0.5e+10',
      '"\\u0000\\ud800\\n"',
      '[ 1 ,\t2 ]',
      '{"a":1,"a":{}}',
      '[[],{}, "é"]',
    ),
  )
  const line = fc
    .record({
      id: fc.integer({ min: 1, max: 0xffff_ffff }),
      data: json,
      isIdFirst: fc.boolean(),
      isDataFirst: fc.boolean(),
    })
    .map(({ id, data, isIdFirst, isDataFirst }) => {
      const request = isDataFirst ? `"data":${data},"channel":"c"` : `"channel":"c","data":${data}`
      return isIdFirst ? `{"id":${id},"publish":{${request}}}` : `{"publish":{${request}},"id":${id}}`
    })

  it('are read in one pass, and as the parser reads them: data byte for byte', () => {
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '\n'), (lines, end) => {
        const isNull = lines.some((text) => text.includes('"data":null'))
        expect(requireSame(bytes(lines.join('\n') + end))).toBe(isNull ? 'long' : 'short')
      }),
    )
  })

  it('are never read differently than the parser does, wherever a byte is changed, added or gone', () => {
    const seen = { short: 0, long: 0 }
    fc.assert(
      fc.property(
        line,
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom(0, 1, 2),
        (text, at, byte, how) => {
          const message = [...bytes(text)]
          message.splice(at % message.length, how === 0 ? 0 : 1, ...(how === 1 ? [] : [byte]))
          seen[requireSame(Uint8Array.from(message))] += 1
        },
      ),
      { numRuns: 3_000 },
    )
    expect(seen.short).toBeGreaterThan(0)
    expect(seen.long).toBeGreaterThan(0)
  })

  it('go to the channel they name, whichever names came before', () => {
    const name = fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom('a', 'b', ':', '~', ' ') })
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 50, size: 'max' }), (names) => {
        const messages = names.map((channel) => `{"id":1,"publish":{"channel":"${channel}","data":1}}`)
        const commands = read(messages.join('\n')) ?? []
        const channels = commands.map((command) => command.method === 'publish' && command.request.channel)
        expect(channels).toEqual(names)
      }),
    )
  })

  it('keep their data when the message that lent it is gone', () => {
    for (const size of [10, 5_000]) {
      const message = bytes(`{"id":1,"publish":{"channel":"c","data":"${'x'.repeat(size)}"}}`)
      const [command] = readPlainPublishes(message) ?? []
      message.fill(0)
      if (command?.method !== 'publish') throw new Error('not read')
      expect(new TextDecoder().decode(command.request.data)).toBe(`"${'x'.repeat(size)}"`)
    }
  })

  it.each([
    ['another command', '{"id":1,"history":{"channel":"c"}}'],
    [
      'a publish behind another command',
      '{"id":1,"connect":{}}\n{"id":2,"publish":{"channel":"c","data":1}}',
    ],
    ['an unknown field', '{"id":1,"publish":{"channel":"c","data":1,"x":2}}'],
    [
      'a second publish in the line',
      '{"id":1,"publish":{"channel":"c","data":1},"publish":{"channel":"d","data":1}}',
    ],
    ['data given twice', '{"id":1,"publish":{"data":1,"channel":"c","data":2}}'],
    ['spaces', '{"id":1, "publish":{"channel":"c","data":1}}'],
    ['no id', '{"publish":{"channel":"c","data":1}}'],
    ['an id of zero', '{"id":0,"publish":{"channel":"c","data":1}}'],
    ['an id beyond uint32', '{"id":4294967296,"publish":{"channel":"c","data":1}}'],
    ['an escaped key', '{"id":1,"publish":{"channel":"c","\\u0064ata":1}}'],
    ['an escaped channel', '{"id":1,"publish":{"channel":"\\u0063","data":1}}'],
    ['a channel beyond ASCII', '{"id":1,"publish":{"channel":"é","data":1}}'],
    ['no channel', '{"id":1,"publish":{"channel":"","data":1}}'],
    ['data that is null', '{"id":1,"publish":{"channel":"c","data":null}}'],
    ['a number with a leading zero', '{"id":1,"publish":{"channel":"c","data":01}}'],
    ['a newline in a string', '{"id":1,"publish":{"channel":"c","data":"\n"}}'],
    ['an empty line', '{"id":1,"publish":{"channel":"c","data":1}}\n\n'],
    ['31 levels', `{"id":1,"publish":{"channel":"c","data":${'['.repeat(31)}${']'.repeat(31)}}}`],
  ])('are not taken for such: %s', (_what, text) => {
    expect(read(text)).toBeUndefined()
  })

  it('of which one is not UTF-8 are not read', () => {
    const message = bytes('{"id":1,"publish":{"channel":"c","data":"é"}}')
    message[message.indexOf(0xa9)] = 0x22
    expect(readPlainPublishes(message)).toBeUndefined()
    message[message.indexOf(0xc3)] = 0xff
    expect(readPlainPublishes(message)).toBeUndefined()
  })
})
