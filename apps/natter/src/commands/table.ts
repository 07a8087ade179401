/** The command table. */
import type { Commands, Group } from '../cli/command.js'
import { apiCommands } from './api-table.js'
import { benchCommands } from './bench-table.js'
import { completionCommands } from './completion-table.js'
import { configurationCommands } from './configuration-table.js'
import { contractCommands } from './contract-table.js'
import { meshCommands } from './mesh-table.js'
import { tokenCommands } from './token-table.js'

export const commands = {
  ...meshCommands,
  ...configurationCommands,
  ...tokenCommands,
  ...apiCommands,
  ...contractCommands,
  ...benchCommands,
  ...completionCommands,
} as const satisfies Commands

export type CommandName = keyof typeof commands

export const groups: readonly Group[] = [
  { title: 'A mesh on this machine', commands: Object.keys(meshCommands) },
  { title: 'Settings', commands: Object.keys(configurationCommands) },
  { title: 'Tokens', commands: Object.keys(tokenCommands) },
  { title: 'A running mesh, by its server API', commands: Object.keys(apiCommands) },
  { title: 'An app of your own', commands: Object.keys(contractCommands) },
  { title: 'Besides', commands: [...Object.keys(benchCommands), ...Object.keys(completionCommands)] },
]
