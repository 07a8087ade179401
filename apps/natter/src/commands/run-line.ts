/** One line of words, from reading it to its exit code. */
import { version } from '../cli/version.js'
import { exitCodes, type Command } from '../cli/command.js'
import { helpOf, helpOfAll } from '../cli/help.js'
import { parseLine } from '../cli/parse.js'
import { Terminal, type TerminalParts } from '../cli/terminal.js'
import { describeCommand } from '../cli/describe-command.js'
import { actions } from './actions.js'
import { commands, groups, type CommandName } from './table.js'

/** Resolves with the exit code, and has told everything. `onTerminal` is for who wants to end it from outside. */
export async function runLine(
  line: readonly string[],
  parts: Omit<TerminalParts, 'isJson'>,
  onTerminal: (terminal: Terminal) => void = () => {},
): Promise<number> {
  const terminal = new Terminal({ ...parts, isJson: asksForJson(line) })
  onTerminal(terminal)
  try {
    const parsed = parseLine(commands, line)
    if (parsed.is === 'help') return showHelp(terminal, parsed.of as CommandName | undefined)
    if (parsed.is === 'version') {
      terminal.show({ version: await version() }, await version())
      return exitCodes.done
    }
    const { given } = parsed
    const act = await actions[given.name as CommandName]()
    return (await act(given, terminal)) ?? exitCodes.done
  } catch (error) {
    return terminal.fail(error)
  }
}

/** Also of a line that makes no sense otherwise. */
function asksForJson(line: readonly string[]): boolean {
  const end = line.indexOf('--')
  return line.slice(0, end < 0 ? undefined : end).includes('--json')
}

function showHelp(terminal: Terminal, of: CommandName | undefined): number {
  const table: Readonly<Record<string, Command>> = commands
  if (of !== undefined) terminal.show(describeCommand(of, commands[of]), helpOf(of, commands[of]))
  else {
    const all = Object.entries(table).map(([name, command]) => describeCommand(name, command))
    terminal.show({ commands: all }, helpOfAll(table, groups))
  }
  return exitCodes.done
}
