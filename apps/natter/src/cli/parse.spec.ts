import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { commands } from '../commands/table.js'
import { UsageError, type Command } from './command.js'
import { parseLine } from './parse.js'
import { argument, count, defaulted, duration, flag, many, onOff, optional, pair, text } from './values.js'

const user = flag('user', text('<id>'), 'who')
const expires = defaulted('expires', duration({ minMs: 1000 }), '1h', 'when')
const tags = many('tag', pair(), 'a tag')
const isLoud = onOff('loud', 'loudly')
const limit = flag('limit', count({ max: 10 }), 'how many')
const name = argument('name', text('<name>'), 'a name')
const rest = optional('more', text('<more>'), 'more')

const command = (more: object) => ({ summary: 'Does it', examples: [], ...more })
const table = {
  greet: command({ args: [name, rest], flags: [user, expires, tags, isLoud, limit] }),
  dev: command({ flags: [limit] }),
  'dev gateway': command({ flags: [user] }),
  'apps forget': command({ args: [name] }),
  check: command({ rest: 'flags of the app' }),
}

const read = (...line: string[]) => parseLine(table, line)

function given(...line: string[]) {
  const parsed = read(...line)
  if (parsed.is !== 'run') throw new Error(`not a run: ${parsed.is}`)
  return parsed.given
}

function mistakes(...line: string[]): readonly string[] {
  try {
    read(...line)
  } catch (error) {
    if (error instanceof UsageError) return error.sentences
    throw error
  }
  throw new Error('there is no mistake')
}

describe('a line', () => {
  it('gives each flag and argument as what it is', () => {
    const line = given(
      'greet',
      'ann',
      '--user=bob',
      '--expires',
      '2m',
      '--tag',
      'a=1',
      '--tag',
      'b=2=3',
      '--loud',
    )
    expect(line.arg(name)).toBe('ann')
    expect(line.optional(rest)).toBeUndefined()
    expect(line.of(user)).toBe('bob')
    expect(line.of(expires)).toBe(120_000)
    expect(line.all(tags)).toEqual([
      ['a', '1'],
      ['b', '2=3'],
    ])
    expect([line.has(isLoud), line.has(limit)]).toEqual([true, false])
  })

  it('takes the last one of a kind, because it was typed last, and the default where none was', () => {
    expect(given('greet', 'x', '--user', 'a', '--user', 'b').of(user)).toBe('b')
    expect(given('greet', 'x').of(expires)).toBe(3_600_000)
  })

  it('finds its command behind flags, and the longer name before the shorter', () => {
    expect(given('--limit', '1', 'dev').name).toBe('dev')
    expect(given('dev', 'gateway', '--user', 'x').name).toBe('dev gateway')
    expect(given('--json', 'apps', 'forget', 'chat').arg(name)).toBe('chat')
  })

  it('hands on what stands behind --, where a command takes that', () => {
    expect(given('check', '--', '--gateway.port', '1').rest).toEqual(['--gateway.port', '1'])
    expect(mistakes('dev', '--', 'x')).toEqual(['natter dev takes nothing behind --.'])
  })

  it('is help where it asks for it, whatever else is wrong with it, and where nothing is said', () => {
    expect(read()).toEqual({ is: 'help' })
    expect(read('--help')).toEqual({ is: 'help' })
    expect(read('greet', '-h', '--nonsense')).toEqual({ is: 'help', of: 'greet' })
    expect(read('help', 'apps', 'forget')).toEqual({ is: 'help', of: 'apps forget' })
    expect(read('help')).toEqual({ is: 'help' })
    expect(read('--version')).toEqual({ is: 'version' })
  })

  it('names the command that was probably meant', () => {
    expect(mistakes('gret', 'x')).toEqual(['There is no command "gret". Did you mean greet?'])
    expect(mistakes('quite-another')).toEqual(['There is no command "quite-another".'])
    expect(mistakes('apps')).toEqual(['natter apps needs to know what: natter apps forget.'])
    expect(mistakes('apps', 'forgt', 'x')).toEqual([
      'There is no command "apps forgt". Did you mean apps forget?',
    ])
    expect(mistakes('dev', 'gatewy')).toEqual(['natter dev takes flags alone. Did you mean dev gateway?'])
    expect(mistakes('help', 'gret')).toEqual(['There is no command "gret". Did you mean greet?'])
    expect(mistakes('--limit', '1')).toEqual(['There is no command in this line, only --limit.'])
  })

  it('tells all that is wrong with it at once, because each round costs a person a minute', () => {
    expect(
      mistakes('greet', '--usr', 'x', '--expires', 'soon', '--limit', '11', '--loud=1', '--user'),
    ).toEqual([
      'natter greet has no --usr. Did you mean --user?',
      '--expires must be a duration such as 250ms, 25s, 10m or 1h30m, at least 1000ms.',
      '--limit must be a whole number from 0 to 10.',
      '--loud is a switch and takes no value.',
      '--user needs a value: --user <id>.',
    ])
    expect(mistakes('greet')).toEqual(['natter greet needs <name>.'])
  })

  it('doesn’t take a flag for a value, because a forgotten value would swallow it', () => {
    expect(mistakes('greet', 'x', '--user', '--loud')).toEqual([
      '--user needs a value; one that begins with dashes is written --user=<id>.',
    ])
    expect(given('greet', 'x', '--user=--loud').of(user)).toBe('--loud')
  })

  it('of any words at all is a command, a help or a sentence, because nobody can do anything with a stack', () => {
    const names = Object.keys(commands).flatMap((one) => one.split(' '))
    const all: readonly Command[] = Object.values(commands)
    const flags = all.flatMap((one) => one.flags ?? [])
    const word = fc.oneof(
      fc.constantFrom(...names),
      fc.constantFrom(...flags.map((one) => `--${one.name}`)),
      fc.constantFrom('--', '-', '-h', '--json', '', '__proto__', 'constructor', '--=x', '--no-json', '-xyz'),
      fc.string({ maxLength: 6 }),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        try {
          expect(['help', 'run', 'version']).toContain(parseLine(commands, words).is)
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError)
          expect((error as UsageError).sentences.join('')).not.toBe('')
        }
      }),
    )
  })

  it('never repeats a value, because it may be a secret', () => {
    const said = mistakes('greet', 'a', 'b', 'hunter2', '--expires', 'hunter2', '--limit=hunter2').join('\n')
    expect(said).toContain('takes <name> <more>, and got 3')
    expect(said).not.toContain('hunter2')
  })
})
