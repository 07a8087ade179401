/** Flags of every command. */
import type { Switch } from './command.js'
import { onOff } from './values.js'

export const everywhere = {
  json: onOff('json', 'Print JSON: one document, or one a line where it goes on'),
  help: onOff('help', 'Show this help, or that of a command'),
  version: onOff('version', 'Show the version'),
} as const satisfies Record<string, Switch>
