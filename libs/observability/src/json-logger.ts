import { systemClock, type Clock } from '@natter/primitives'
import type { Fields, Logger, LogLevel } from './logger.js'
import { toPlain } from './to-plain.js'
import type { Veil } from './veil.js'

/** Takes one line with its line feed. May throw: the logger swallows it, for there is nobody left to tell. */
export type LogSink = (line: string) => void

export interface JsonLoggerOptions {
  level: LogLevel
  /** On every line, e.g. `{ node: 'gateway-1' }`. */
  fields?: Fields
  /** Default: stdout. */
  sink?: LogSink
  clock?: Clock
  /** Over each text in a line. Default none. */
  veil?: Veil
}

/** Its children write at the same level as it, also when that changes. */
export type LeveledLogger = Logger & { setLevel(level: LogLevel): void }

const ranks: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 }

/** What every line begins with; a field of such a name is written with `_` behind it. */
const heads = new Set(['time', 'level', 'event'])

/** Log collectors split or refuse lines above 16 KiB (Docker's limit). */
const maxLineLength = 16_000

/** `{"time":"…","level":"info","event":"gateway:listen","node":"gateway-1","port":8001}` */
export function createLogger({
  level,
  fields = {},
  sink = stdoutSink(),
  clock = systemClock,
  veil,
}: JsonLoggerOptions): LeveledLogger {
  return new JsonLogger({ rank: ranks[level], sink, clock, veil }, fields)
}

/** One for a logger and all its children. */
interface Shared {
  rank: number
  readonly sink: LogSink
  readonly clock: Clock
  readonly veil: Veil | undefined
}

class JsonLogger implements LeveledLogger {
  constructor(
    private readonly shared: Shared,
    private readonly fields: Fields,
  ) {}

  setLevel(level: LogLevel): void {
    this.shared.rank = ranks[level]
  }

  error(event: string, fields?: Fields): void {
    this.write('error', event, fields)
  }

  warn(event: string, fields?: Fields): void {
    this.write('warn', event, fields)
  }

  info(event: string, fields?: Fields): void {
    this.write('info', event, fields)
  }

  debug(event: string, fields?: Fields): void {
    this.write('debug', event, fields)
  }

  child(fields: Fields): Logger {
    return new JsonLogger(this.shared, { ...this.fields, ...fields })
  }

  writes(level: LogLevel): boolean {
    return ranks[level] <= this.shared.rank
  }

  private write(level: LogLevel, event: string, fields: Fields = {}): void {
    if (!this.writes(level)) return
    try {
      const { clock, sink } = this.shared
      const line = this.line({ time: new Date(clock.now()).toISOString(), level, event }, fields)
      sink(`${line}\n`)
    } catch {
      // The sink failed, and a logger that throws would turn a lost line into a lost connection.
    }
  }

  private line(head: object, fields: Fields): string {
    const withStacks = this.writes('debug')
    const { veil } = this.shared
    const own = Object.entries(plainFields(this.fields, withStacks, veil))
    const given = Object.entries(plainFields(fields, withStacks, veil))
    const body = [...own, ...given].map(([key, value]) => [heads.has(key) ? `${key}_` : key, value] as const)
    const line = JSON.stringify({ ...head, ...Object.fromEntries(body) })
    if (line.length <= maxLineLength) return line
    return JSON.stringify({ ...head, ...Object.fromEntries(own), cutFrom: line.length })
  }
}

function plainFields(fields: Fields, withStacks: boolean, veil: Veil | undefined): object {
  const plain = toPlain(fields, withStacks, veil)
  return typeof plain === 'object' && plain !== null ? plain : { fields: plain }
}

function stdoutSink(): LogSink {
  ignoreBrokenStdout()
  return (line) => void process.stdout.write(line)
}

let isIgnoring = false

/** Whoever read our lines may be gone before us: a broken pipe must not end the process a second time, as a crash. */
function ignoreBrokenStdout(): void {
  if (isIgnoring) return
  isIgnoring = true
  process.stdout.on('error', () => {})
}
