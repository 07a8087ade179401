import type { Given } from '../cli/given.js'
import type { Terminal } from '../cli/terminal.js'

/** What a command does. Answers the exit code where it isn't 0; a rejection is told as its message, and is 1. */
export type Action = (given: Given, terminal: Terminal) => Promise<number | undefined>
