import { bashCompletion } from '../cli/completion/bash.js'
import { fishCompletion } from '../cli/completion/fish.js'
import { zshCompletion } from '../cli/completion/zsh.js'
import { shell } from './completion-table.js'
import type { Action } from './action.js'
import { commands } from './table.js'

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const

export const completion: Action = async (given, terminal) => {
  const name = given.arg(shell)
  const script = scripts[name](commands)
  terminal.show({ shell: name, script }, script.trimEnd())
  return undefined
}
