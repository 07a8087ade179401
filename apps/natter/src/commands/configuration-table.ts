/** Commands about settings. */
import type { Command } from '../cli/command.js'
import { choice, defaulted } from '../cli/values.js'
import { config } from './flags.js'

export const apps = ['gateway', 'persistence', 'messenger'] as const

export const appOrAll = defaulted('app', choice(...apps, 'all'), 'gateway', 'Whose settings')
export const app = defaulted('app', choice(...apps), 'gateway', 'Whose settings')

const sameLoader =
  'Read as the process reads them when it starts: the file, the environment of this shell, and what stands behind -- as its flags.'

export const configurationCommands = {
  'check-config': {
    summary: 'All that is wrong with the settings, at once',
    about: [sameLoader, 'Ends with 1 if the process would not start.'],
    flags: [appOrAll, config],
    rest: 'flags of the app',
    examples: [
      { line: 'check-config', doc: 'natter.yaml and the environment, for a gateway' },
      { line: 'check-config --app all --config /etc/natter.yaml', doc: 'for every process' },
      { line: 'check-config -- --gateway.port 9001', doc: 'with a flag of the gateway' },
    ],
  },
  'print-config': {
    summary: 'The settings in effect, and where each comes from',
    about: [sameLoader, 'Secrets are hidden.'],
    flags: [app, config],
    rest: 'flags of the app',
    examples: [{ line: 'print-config --app persistence', doc: '' }],
  },
} as const satisfies Record<string, Command>
