import { flagSentence } from '../help.js'
import type { Argument, Command, Commands, Flag } from '../command.js'
import { everywhere } from '../everywhere.js'
import { completedCommands, firstWords, kindOf, secondWords, type Completed } from './candidates.js'

/** By _arguments and _describe, which zsh brings. */
export function zshCompletion(table: Commands): string {
  const all = completedCommands(table)
  const second = [...secondWords(table)]
  return `#compdef natter
# zsh completion of natter, made by: natter completion zsh
_natter() {
  local context state line curcontext=$curcontext
  typeset -A opt_args
  local -a commands
  commands=(
${firstWords(table)
  .map((word) => `    ${quoted(`${word}:${summaryOf(table, word)}`)}`)
  .join('\n')}
  )
  _arguments -C ${quoted(specOf(everywhere.json))} ${quoted(specOf(everywhere.help))} '1: :->command' '*:: :->rest'
  case $state in
    command) _describe -t commands 'natter command' commands ;;
    rest)
      case $line[1] in
${second.map(([first, words]) => secondCase(table, first, words)).join('\n')}
        help) _describe -t commands 'natter command' commands ;;
${all
  .filter(({ name }) => !name.includes(' ') && !second.some(([first]) => first === name))
  .map((one) => `        ${one.name}) ${argumentsOf(one)} ;;`)
  .join('\n')}
      esac ;;
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _natter "$@"; else compdef _natter natter; fi
`
}

const summaryOf = (table: Commands, word: string): string =>
  table[word]?.summary ??
  (word === 'help'
    ? 'The help of a command'
    : (Object.entries(table).find(([name]) => name.startsWith(`${word} `))?.[1].summary ?? ''))

/** A first word that has second ones, and may be a command too. */
function secondCase(table: Commands, first: string, words: readonly string[]): string {
  const inner = words.map((word) => {
    const command = table[`${first} ${word}`] as Command
    return `            ${word}) shift words; (( CURRENT-- )); ${argumentsOf(completedOf(table, `${first} ${word}`, command))} ;;`
  })
  const own = table[first]
  const described = words
    .map((word) => quoted(`${word}:${table[`${first} ${word}`]?.summary ?? ''}`))
    .join(' ')
  const flags = own === undefined ? [] : completedOf(table, first, own).flags
  return `        ${first})
          local -a second
          second=(${described})
          case $words[2] in
${inner.join('\n')}
            *) _arguments ${[...flags.map((flag) => quoted(specOf(flag))), `'1: :{_describe -t commands "natter ${first}" second}'`].join(' ')} ;;
          esac ;;`
}

const completedOf = (table: Commands, name: string, command: Command): Completed =>
  completedCommands({ [name]: command })[0] as Completed

const argumentsOf = ({ flags, args }: Completed): string =>
  `_arguments ${[...flags.map(specOf), ...args.map((one, index) => argumentSpec(one, index + 1))].map(quoted).join(' ')}`

function specOf(flag: Flag): string {
  const many = flag.isMany === true ? '*' : ''
  const doc = flagSentence(flag).replaceAll(/[[\]:]/g, (char) => `\\${char}`)
  if (flag.value === undefined) return `${many}--${flag.name}[${doc}]`
  return `${many}--${flag.name}=[${doc}]:${flag.name}:${actionOf(kindOf(flag.value))}`
}

const argumentSpec = ({ name, value, isOptional }: Argument, index: number): string =>
  `${index}:${isOptional === true ? ':' : ''}${name}:${actionOf(kindOf(value))}`

function actionOf(kind: ReturnType<typeof kindOf>): string {
  if (kind === 'nothing') return ' '
  return kind === 'files' ? '_files' : `(${kind.join(' ')})`
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`
