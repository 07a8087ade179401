import type { Commands } from '../command.js'
import { completedCommands, firstWords, kindOf, secondWords, valued, type Completed } from './candidates.js'

/** Needs bash 3.2 and nothing else. */
export function bashCompletion(table: Commands): string {
  const all = completedCommands(table)
  const second = [...secondWords(table)]
  return `# bash completion of natter, made by: natter completion bash
_natter() {
  local cur prev word i command= args=0 skip= second=
  COMPREPLY=()
  cur=\${COMP_WORDS[COMP_CWORD]}
  prev=\${COMP_WORDS[COMP_CWORD-1]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $skip ]]; then skip=; continue; fi
    case $word in
      ${valued(table)
        .map((name) => `--${name}`)
        .join('|')}) skip=1 ;;
      -*) ;;
      *)
        if [[ -z $command ]]; then command=$word
        else
          case "$command $word" in
            ${second.flatMap(([first, words]) => words.map((word) => `"${first} ${word}"`)).join('|')}) command="$command $word" ;;
            *) args=$((args + 1)) ;;
          esac
        fi ;;
    esac
  done
  if [[ -z $command ]]; then
    case $cur in
      -*) _natter_words "--json --help --version" ;;
      *) _natter_words "${firstWords(table).join(' ')}" ;;
    esac
    return
  fi
  if [[ -n $skip ]]; then
    case "$command $prev" in
${all.flatMap(valueCases).join('\n')}
    esac
    return
  fi
  if [[ $cur == -* ]]; then
    case $command in
${all.map(({ name, flags }) => `      "${name}") _natter_words "${flags.map((flag) => `--${flag.name}`).join(' ')}" ;;`).join('\n')}
    esac
    return
  fi
  case "$command $args" in
${second.map(([first, words]) => `    "${first} 0") _natter_words "${words.join(' ')}" ;;`).join('\n')}
    "help 0") _natter_words "${firstWords(table).join(' ')}" ;;
${all.flatMap(argumentCases).join('\n')}
  esac
}
_natter_words() { COMPREPLY=($(compgen -W "$1" -- "$cur")); }
_natter_files() { COMPREPLY=($(compgen -f -- "$cur")); }
complete -o filenames -F _natter natter
`
}

function valueCases({ name, flags }: Completed): string[] {
  return flags.flatMap((flag) => {
    const act = actOf(kindOf(flag.value))
    return act === undefined ? [] : [`      "${name} --${flag.name}") ${act} ;;`]
  })
}

function argumentCases({ name, args }: Completed): string[] {
  return args.flatMap((argument, index) => {
    const act = actOf(kindOf(argument.value))
    return act === undefined ? [] : [`    "${name} ${index}") ${act} ;;`]
  })
}

function actOf(kind: ReturnType<typeof kindOf>): string | undefined {
  if (kind === 'nothing') return undefined
  return kind === 'files' ? '_natter_files' : `_natter_words "${kind.join(' ')}"`
}
