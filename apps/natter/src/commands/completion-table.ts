import type { Command } from '../cli/command.js'
import { argument, choice } from '../cli/values.js'

export const shell = argument('shell', choice('bash', 'zsh', 'fish'), 'Whose completion')

export const completionCommands = {
  completion: {
    summary: 'The script by which a shell completes natter',
    args: [shell],
    examples: [
      { line: 'completion bash >> ~/.bashrc', doc: '' },
      { line: 'completion zsh > ~/.zfunc/_natter', doc: 'a folder of your fpath' },
      { line: 'completion fish > ~/.config/fish/completions/natter.fish', doc: '' },
    ],
  },
} as const satisfies Record<string, Command>
