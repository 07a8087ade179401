/** From the words of a line to a command and what it was given, by the table alone. */
import { didYouMean } from '@natter/config'
import { parseArgs } from 'node:util'
import { UsageError, type Argument, type Command, type Commands, type Flag } from './command.js'
import { everywhere } from './everywhere.js'
import { Given } from './given.js'

export type Parsed =
  /** `of` absent: of all. */
  { is: 'help'; of?: string } | { is: 'version' } | { is: 'run'; given: Given; isJson: boolean }

/** @throws UsageError with all that is wrong with the line. */
export function parseLine(table: Commands, line: readonly string[]): Parsed {
  const { words, options, rest } = split(table, line)
  const has = (flag: Flag): boolean => options.some(({ name }) => name === flag.name)
  const name = findCommand(table, words)
  if (has(everywhere.help)) return name === undefined ? { is: 'help' } : { is: 'help', of: name }
  if (has(everywhere.version)) return { is: 'version' }
  if (words.length === 0 && options.length === 0) return { is: 'help' }
  if (words[0] === 'help' && name === undefined) return helpFor(table, words.slice(1))
  if (name === undefined) throw unknownCommand(table, words, options)
  const command = table[name] as Command
  const mistakes: string[] = []
  const values = new Map<Flag | Argument, unknown[]>()
  for (const option of options) readOption(name, command, option, { values, mistakes })
  const others = Object.keys(table).filter((one) => one.startsWith(`${name} `))
  readArguments(name, command, words.slice(name.split(' ').length), { values, mistakes }, others)
  if (rest !== undefined && command.rest === undefined)
    mistakes.push(`natter ${name} takes nothing behind --.`)
  if (mistakes.length > 0) throw new UsageError(mistakes, name) // CL2
  return { is: 'run', given: new Given(name, command, values, rest), isJson: has(everywhere.json) }
}

interface Option {
  name: string
  /** As it was typed. */
  raw: string
  value: string | undefined
  isInline: boolean
}

interface Reading {
  values: Map<Flag | Argument, unknown[]>
  mistakes: string[]
}

/** CL1 makes this possible before the command is known. */
function split(table: Commands, line: readonly string[]) {
  const flags = [...Object.values(everywhere), ...Object.values(table).flatMap((one) => one.flags ?? [])]
  const types = flags.map(({ name, value }) => [
    name,
    { type: value === undefined ? ('boolean' as const) : ('string' as const) },
  ])
  const end = line.indexOf('--')
  const { tokens } = parseArgs({
    args: line.slice(0, end < 0 ? undefined : end),
    allowPositionals: true,
    strict: false,
    tokens: true,
    options: { ...Object.fromEntries(types), help: { type: 'boolean', short: 'h' } },
  })
  const words: string[] = []
  const options: Option[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    else if (token.kind === 'option') {
      const { name, rawName: raw, value, inlineValue: isInline = false } = token
      options.push({ name, raw, value, isInline })
    }
  }
  return { words, options, rest: end < 0 ? undefined : line.slice(end + 1) }
}

/** The longest name that the words begin with. */
function findCommand(table: Commands, words: readonly string[]): string | undefined {
  const names = [words.slice(0, 2).join(' '), words[0] ?? '']
  return names.find((name) => Object.hasOwn(table, name))
}

function helpFor(table: Commands, words: readonly string[]): Parsed {
  if (words.length === 0) return { is: 'help' }
  const of = findCommand(table, words)
  if (of === undefined) throw unknownCommand(table, words, [])
  return { is: 'help', of }
}

function unknownCommand(table: Commands, words: readonly string[], options: readonly Option[]): UsageError {
  const names = Object.keys(table)
  const [first = ''] = words
  if (first === '')
    return new UsageError([`There is no command in this line, only ${options[0]?.raw ?? 'flags'}.`])
  const under = names.filter((name) => name.startsWith(`${first} `))
  const typed = under.length > 0 ? words.slice(0, 2).join(' ') : first
  if (under.length > 0 && words.length < 2)
    return new UsageError([
      `natter ${first} needs to know what: ${under.map((name) => `natter ${name}`).join(', ')}.`,
    ])
  return new UsageError([`There is no command "${typed}".${didYouMean(typed, names)}`])
}

function readOption(name: string, command: Command, option: Option, { values, mistakes }: Reading): void {
  const known: readonly Flag[] = [...(command.flags ?? []), ...Object.values(everywhere)]
  const flag = known.find((one) => one.name === option.name)
  if (flag === undefined) {
    const names = known.map((one) => `--${one.name}`)
    mistakes.push(`natter ${name} has no ${option.raw}.${didYouMean(`--${option.name}`, names)}`)
    return
  }
  const read = readFlag(flag, option)
  if ('mistake' in read) mistakes.push(`--${flag.name} ${read.mistake}.`)
  else values.set(flag, [...(values.get(flag) ?? []), read.ok])
}

function readFlag(flag: Flag, { value, isInline }: Option): { ok: unknown } | { mistake: string } {
  if (flag.value === undefined) return isInline ? { mistake: 'is a switch and takes no value' } : { ok: true }
  const { placeholder } = flag.value
  if (value === undefined) return { mistake: `needs a value: --${flag.name} ${placeholder}` }
  if (!isInline && value.startsWith('--'))
    return { mistake: `needs a value; one that begins with dashes is written --${flag.name}=${placeholder}` }
  return flag.value.read(value)
}

function readArguments(
  name: string,
  { args = [] }: Command,
  words: readonly string[],
  { values, mistakes }: Reading,
  others: readonly string[],
): void {
  const missing = args.slice(words.length).filter(({ isOptional }) => isOptional !== true)
  if (missing.length > 0)
    mistakes.push(`natter ${name} needs ${missing.map((one) => `<${one.name}>`).join(' and ')}.`)
  if (words.length > args.length) mistakes.push(tooMany(name, args, words, others)) // not repeated: it may be a secret
  for (const [index, argument] of args.entries()) {
    const word = words[index]
    if (word === undefined) continue
    const read = argument.value.read(word)
    if ('mistake' in read) mistakes.push(`<${argument.name}> ${read.mistake}.`)
    else values.set(argument, [read.ok])
  }
}

function tooMany(
  name: string,
  args: readonly Argument[],
  { 0: first = '', length: given }: readonly string[],
  others: readonly string[],
): string {
  if (args.length === 0) return `natter ${name} takes flags alone.${didYouMean(`${name} ${first}`, others)}`
  const takes = args.map((one) => `<${one.name}>`).join(' ')
  return `natter ${name} takes ${takes}, and got ${given}: quote what has blanks in it.`
}
