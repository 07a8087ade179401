import { flagSentence } from '../help.js'
import type { Commands, Flag } from '../command.js'
import { completedCommands, kindOf, secondWords, type Completed } from './candidates.js'

/** For fish 3. */
export function fishCompletion(table: Commands): string {
  const all = completedCommands(table)
  const firsts = all.filter(({ name }) => !name.includes(' '))
  const second = [...secondWords(table)]
  const groups = second.filter(([first]) => table[first] === undefined)
  return `# fish completion of natter, made by: natter completion fish
complete -c natter -f
${firsts.map(({ name, command }) => `complete -c natter -n __fish_use_subcommand -a ${name} -d ${quoted(command.summary)}`).join('\n')}
${groups.map(([first]) => `complete -c natter -n __fish_use_subcommand -a ${first}`).join('\n')}
complete -c natter -n __fish_use_subcommand -a help -d 'The help of a command'
${second.flatMap(([first, words]) => words.map((word) => secondLine(table, first, words, word))).join('\n')}
${all.flatMap((one) => linesOf(one, second)).join('\n')}
`
}

function secondLine(table: Commands, first: string, words: readonly string[], word: string): string {
  const when = `__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${words.join(' ')}`
  return `complete -c natter -n ${quoted(when)} -a ${word} -d ${quoted(table[`${first} ${word}`]?.summary ?? '')}`
}

function linesOf(
  { name, flags, args }: Completed,
  second: readonly (readonly [string, readonly string[]])[],
): string[] {
  const words = name.split(' ')
  const deeper = second.find(([first]) => first === name)?.[1]
  const not = deeper === undefined ? '' : `; and not __fish_seen_subcommand_from ${deeper.join(' ')}`
  const when = words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ') + not
  return [
    ...flags.map((flag) => flagLine(when, flag)),
    ...args.flatMap(({ value }) => {
      const kind = kindOf(value)
      if (kind === 'nothing') return []
      return [
        `complete -c natter -n ${quoted(when)} ${kind === 'files' ? '-F' : `-a ${quoted(kind.join(' '))}`}`,
      ]
    }),
  ]
}

function flagLine(when: string, flag: Flag): string {
  const kind = kindOf(flag.value)
  const takes = flag.value === undefined ? '' : kind === 'files' ? ' -r -F' : ' -x'
  const words = typeof kind === 'string' ? '' : ` -a ${quoted(kind.join(' '))}`
  return `complete -c natter -n ${quoted(when)} -l ${flag.name}${takes}${words} -d ${quoted(flagSentence(flag))}`
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`
