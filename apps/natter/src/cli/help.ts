/** Help as text, from the table. */
import type { Argument, Command, Commands, Flag, Group } from './command.js'
import { everywhere } from './everywhere.js'

const width = 100

/** All commands. */
export function helpOfAll(table: Commands, groups: readonly Group[]): string {
  const longest = Math.max(...Object.keys(table).map((name) => name.length))
  const blocks = groups.map(({ title, commands }) =>
    [`${title}:`, ...commands.map((name) => `  ${name.padEnd(longest)}  ${table[name]?.summary}`)].join('\n'),
  )
  return [
    'natter <command> [flags]',
    '',
    blocks.join('\n\n'),
    '',
    'Everywhere:',
    ...flagLines(Object.values(everywhere)),
    '',
    'natter <command> --help tells what a command takes, with examples.',
    'Ends with 0 when it is done, 1 when it failed, 2 when the line makes no sense.',
  ].join('\n')
}

/** One command. */
export function helpOf(name: string, command: Command): string {
  const { about = [], args = [], flags = [], examples } = command
  const blocks = [
    `${command.summary}.`,
    usageOf(name, command),
    ...about.map((paragraph) => wrap(paragraph, '').join('\n')),
    args.length === 0 ? '' : ['Arguments:', ...argumentLines(args)].join('\n'),
    ['Flags:', ...flagLines([...flags, everywhere.json, everywhere.help])].join('\n'),
    ['Examples:', ...exampleLines(examples)].join('\n'),
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

export function usageOf(name: string, { args = [], flags = [], rest }: Command): string {
  const words = args.map(argumentWord)
  return [
    `natter ${name}`,
    ...words,
    ...(flags.length > 0 ? ['[flags]'] : []),
    ...(rest === undefined ? [] : [`[-- <${rest}>]`]),
  ].join(' ')
}

export const argumentWord = ({ name, isOptional }: Argument): string =>
  isOptional === true ? `[<${name}>]` : `<${name}>`

/** `--expires <duration>`. */
export const flagWord = ({ name, value }: Flag): string =>
  value === undefined ? `--${name}` : `--${name} ${value.placeholder}`

/** What it is, and what stands for it. */
export const flagSentence = ({ doc, default: fallback, isMany }: Flag): string =>
  `${doc}${isMany === true ? '; may be repeated' : ''}${fallback === undefined ? '' : ` (default ${fallback})`}`

const flagLines = (flags: readonly Flag[]): string[] =>
  inColumns(flags.map((flag) => [flagWord(flag), flagSentence(flag)]))

const argumentLines = (args: readonly Argument[]): string[] =>
  inColumns(args.map((one) => [argumentWord(one), one.doc]))

const exampleLines = (examples: Command['examples']): string[] =>
  examples.flatMap(({ line, doc }) => [`  natter ${line}`, ...(doc === '' ? [] : [`      ${doc}`])])

const indent = 34

/** A long name has a line of its own. */
function inColumns(rows: readonly (readonly [string, string])[]): string[] {
  return rows.flatMap(([name, what]) => {
    const [first = '', ...more] = wrap(what, ' '.repeat(indent))
    const isLong = name.length + 4 > indent
    return [
      ...(isLong ? [`  ${name}`] : []),
      `${isLong ? ' '.repeat(indent) : `  ${name}`.padEnd(indent)}${first.trimStart()}`,
      ...more,
    ]
  })
}

function wrap(paragraph: string, before: string): string[] {
  const lines: string[] = []
  let line = before
  for (const word of paragraph.split(' ')) {
    const isFull = line.length + 1 + word.length > width && line.trim() !== ''
    if (isFull) lines.push(line)
    line = isFull || line.trim() === '' ? before + word : `${line} ${word}`
  }
  return [...lines, line]
}
