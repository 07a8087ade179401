/**
 * Where a command reads and writes.
 *
 * TE1. What was asked for goes to stdout, and nothing else: aligned text, or JSON with `--json`. What is said beside goes to stderr.
 * TE2. Text of others never steers the terminal: control characters are shown, not sent.
 * TE3. A reader who has gone away ends the command quietly: who writes is told by `signal`.
 */
import { messageOf, NatterError } from '@natter/primitives'
import type { Writable } from 'node:stream'
import { exitCodes, UsageError } from './command.js'

export type Env = Readonly<Record<string, string | undefined>>

export interface TerminalParts {
  isJson: boolean
  env: Env
  /** Where the person is: files are named from here. */
  cwd: string
  /** Where this process runs: under npm, the repository. */
  workingFolder: string
  stdout: Writable
  stderr: Writable
  /** All that comes in. */
  readStdin(): Promise<string>
}

export class Terminal {
  readonly isJson: boolean
  readonly env: Env
  readonly cwd: string
  readonly workingFolder: string
  private readonly ending = new AbortController()

  constructor(private readonly parts: TerminalParts) {
    this.isJson = parts.isJson
    this.env = parts.env
    this.cwd = parts.cwd
    this.workingFolder = parts.workingFolder
    parts.stdout.on('error', () => this.end()) // TE3: EPIPE
    parts.stderr.on('error', () => this.end())
  }

  /** Aborted when somebody wants the command to end: Ctrl-C, or nobody reads. */
  get signal(): AbortSignal {
    return this.ending.signal
  }

  end(): void {
    this.ending.abort()
  }

  readStdin(): Promise<string> {
    return this.parts.readStdin()
  }

  /** The result: `value` for programs, `text` for people. */
  show(value: unknown, text: string): void {
    this.write(this.isJson ? plain(JSON.stringify(value, undefined, 2)) : text)
  }

  /** One of many results, as it comes. */
  item(value: unknown, text: string): void {
    this.write(this.isJson ? plain(JSON.stringify(value)) : text)
  }

  /** Beside the result. */
  warn(code: string, sentence: string): void {
    this.tell(this.isJson ? JSON.stringify({ warning: { code, message: sentence } }) : sentence)
  }

  /** Answers the exit code. */
  fail(error: unknown): number {
    const isUsage = error instanceof UsageError
    const code = isUsage ? 'usage' : error instanceof NatterError ? error.code : 'failed'
    const message = messageOf(error)
    if (this.isJson) this.tell(JSON.stringify({ error: { code, message } }))
    else this.tell(isUsage ? `${message}\n${whereHelpIs(error)}` : message)
    return isUsage ? exitCodes.usage : exitCodes.failed
  }

  private write(text: string): void {
    if (!this.signal.aborted) this.parts.stdout.write(`${text}\n`)
  }

  private tell(text: string): void {
    this.parts.stderr.write(`${plain(text)}\n`)
  }
}

const whereHelpIs = ({ command }: UsageError): string =>
  `See natter ${command === undefined ? '' : `${command} `}--help.`

/** TE2. For one line. */
export const printable = (text: string): string => plain(text).replaceAll('\n', '\\n')

/** TE2. Lines stay lines. JSON stays the same JSON: what it lets pass unescaped stands in its texts alone. */
function plain(text: string): string {
  return text.replaceAll(
    // oxlint-disable-next-line no-control-regex -- these are what it is about
    /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u200E\u200F\u2028-\u202E\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Columns under their heads. */
export function columns(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heads, ...rows.map((row) => row.map(printable))]
  const widths = heads.map((_, column) => Math.max(...all.map((row) => [...(row[column] ?? '')].length)))
  return all.map((row) => line(row, widths)).join('\n')
}

/** Names and what they are, one a line. */
export function pairs(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length))
  return rows.map(([name, what]) => `${name.padEnd(width)}  ${printable(what)}`).join('\n')
}

function line(row: readonly string[], widths: readonly number[]): string {
  const cells = row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - [...cell].length))
  return cells.join('  ').trimEnd()
}
