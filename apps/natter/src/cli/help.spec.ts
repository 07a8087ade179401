import { describe, expect, it } from '@jest/globals'
import { natter } from '../../test/natter.js'
import type { Command } from './command.js'
import { helpOf, helpOfAll } from './help.js'
import { argument, defaulted, duration, flag, many, onOff, optional, pair, text } from './values.js'

const greet: Command = {
  summary: 'Says hello',
  about: [
    'To one person or to many, in the language of whoever is greeted, as far as it is known, and in a loud voice where that is wanted.',
  ],
  args: [argument('name', text('<name>'), 'Whom'), optional('more', text('<more>'), 'Whom else')],
  flags: [
    defaulted('expires', duration(), '1h', 'Until when'),
    many('tag', pair(), 'A tag'),
    onOff(
      'loud',
      'Loudly, so that everybody who is near hears it as well and knows that somebody has come in',
    ),
    flag('a-rather-long-name-of-a-flag', text('<text>'), 'It has a line of its own'),
  ],
  rest: 'words',
  examples: [
    { line: 'greet ann', doc: '' },
    { line: 'greet ann --loud', doc: 'so that she hears' },
  ],
}

describe('help', () => {
  it('of a command says how it is written, what it takes, what stands for what is left out', () => {
    expect(helpOf('greet', greet)).toBe(`Says hello.

natter greet <name> [<more>] [flags] [-- <words>]

To one person or to many, in the language of whoever is greeted, as far as it is known, and in a
loud voice where that is wanted.

Arguments:
  <name>                          Whom
  [<more>]                        Whom else

Flags:
  --expires <duration>            Until when (default 1h)
  --tag <name=value>              A tag; may be repeated
  --loud                          Loudly, so that everybody who is near hears it as well and knows
                                  that somebody has come in
  --a-rather-long-name-of-a-flag <text>
                                  It has a line of its own
  --json                          Print JSON: one document, or one a line where it goes on
  --help                          Show this help, or that of a command

Examples:
  natter greet ann
  natter greet ann --loud
      so that she hears`)
  })

  it('of all is a line for each command, in its group, and the exit codes', () => {
    const groups = [{ title: 'People', commands: ['greet'] }]
    expect(helpOfAll({ greet }, groups)).toBe(`natter <command> [flags]

People:
  greet  Says hello

Everywhere:
  --json                          Print JSON: one document, or one a line where it goes on
  --help                          Show this help, or that of a command
  --version                       Show the version

natter <command> --help tells what a command takes, with examples.
Ends with 0 when it is done, 1 when it failed, 2 when the line makes no sense.`)
  })

  it('fits into 100 columns, for every command', async () => {
    const { out } = await natter(['--help', '--json'])
    const { commands } = JSON.parse(out) as { commands: { name: string }[] }
    expect(commands.length).toBeGreaterThan(12)
    for (const { name } of commands) {
      const help = await natter(['help', ...name.split(' ')])
      const wide = help.out.split('\n').filter((line) => line.length > 100 && !line.startsWith('  natter '))
      expect([name, wide]).toEqual([name, []])
    }
  })
})

describe('what went wrong', () => {
  it('is told on stderr with where help is, and ends with 2 where the line makes no sense', async () => {
    expect(await natter(['tokn'])).toEqual({
      code: 2,
      out: '',
      err: 'There is no command "tokn". Did you mean token?\nSee natter --help.\n',
    })
    const { err } = await natter(['publish'])
    expect(err).toBe('natter publish needs <channel>.\nSee natter publish --help.\n')
  })

  it('is one JSON object with --json, whatever is wrong with the line', async () => {
    const { code, out, err } = await natter(['tokn', '--json'])
    expect([code, out]).toEqual([2, ''])
    expect(JSON.parse(err)).toEqual({
      error: { code: 'usage', message: 'There is no command "tokn". Did you mean token?' },
    })
  })

  it('ends with 1 where it failed, and says its code', async () => {
    const { code, err } = await natter(['check-token', '--json'], { stdin: '' })
    expect(code).toBe(1)
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'no-token' } })
  })
})
