/** What may come next on a line, by the table: what all shells' scripts are made of. */
import type { Argument, Command, Commands, Flag, Value } from '../command.js'
import { everywhere } from '../everywhere.js'

/** One command as completion sees it. */
export interface Completed {
  readonly name: string
  readonly command: Command
  readonly flags: readonly Flag[]
  readonly args: readonly Argument[]
}

export function completedCommands(table: Commands): Completed[] {
  return Object.entries(table).map(([name, command]) => ({
    name,
    command,
    flags: [...(command.flags ?? []), everywhere.json, everywhere.help],
    args: command.args ?? [],
  }))
}

/** The first words of all names, each once. */
export const firstWords = (table: Commands): string[] => [
  ...new Set([...Object.keys(table).map((name) => name.split(' ')[0] as string), 'help']),
]

/** Second words, by the first. */
export function secondWords(table: Commands): ReadonlyMap<string, readonly string[]> {
  const words = new Map<string, string[]>()
  for (const name of Object.keys(table)) {
    const [first = '', second] = name.split(' ')
    if (second !== undefined) words.set(first, [...(words.get(first) ?? []), second])
  }
  return words
}

/** Names of flags that take a value, over all commands: each takes one everywhere or nowhere. */
export const valued = (table: Commands): string[] => [
  ...new Set(
    completedCommands(table).flatMap(({ flags }) =>
      flags.filter(({ value }) => value !== undefined).map(({ name }) => name),
    ),
  ),
]

/** `files`, words, or nothing that could be known. */
export function kindOf(value: Value<unknown> | undefined): 'files' | 'nothing' | readonly string[] {
  if (value?.words !== undefined) return value.words
  return value?.isFile === true ? 'files' : 'nothing'
}
