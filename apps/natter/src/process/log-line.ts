export type LogLevel = 'info' | 'warn' | 'error'

export interface LogLine {
  level: LogLevel
  /** What to show of it; the whole line is in the log file. */
  text: string
}

const inspectorTalk = /^(Debugger (listening|attached|ending)|For help, see: |Waiting for the debugger)/
/** `(node:7) [DEP0040] DeprecationWarning: …`, and the line below it. */
const nodeWarning = /^\(node:\d+\) /
const nodeHint = /^\(Use `node /

/** Understands our JSON logs, nats-server's and Postgres'; anything else on stderr is taken seriously, on stdout not. */
export function readLogLine(line: string, stream: 'stdout' | 'stderr'): LogLine {
  // the rest of a stack trace is for the log, and so is what Node says of its inspector
  const isTalk = inspectorTalk.test(line) || nodeHint.test(line)
  const isHeadline = stream === 'stderr' && /^\S/.test(line) && !isTalk
  const level = !isHeadline ? 'info' : nodeWarning.test(line) ? 'warn' : 'error'
  return fromJson(line) ?? fromNats(line) ?? fromPostgres(line) ?? { level, text: line }
}

function fromJson(line: string): LogLine | null {
  if (!line.startsWith('{')) return null
  try {
    const {
      level,
      event,
      msg,
      message,
      time: _time,
      node: _node,
      ...rest
    } = JSON.parse(line) as Record<string, unknown>
    if (typeof level !== 'string') return null
    const heads = [event, message ?? msg].filter((head) => typeof head === 'string')
    const fields = Object.entries(rest).map(([key, value]) => `${key}=${shown(value)}`)
    return { level: levelOf(level), text: [...heads, ...fields].join(' ') }
  } catch {
    return null
  }
}

function levelOf(level: string): LogLevel {
  if (level === 'error' || level === 'fatal') return 'error'
  return level === 'warn' ? 'warn' : 'info'
}

/** Of an error its sentence: the rest is in the log. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'message' in value) return String(value.message)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function fromNats(line: string): LogLine | null {
  const match = /^\[\d+\] .*? \[(\w{3})\] (.*)$/.exec(line)
  const [, mark, text] = match ?? []
  if (mark === undefined || text === undefined) return null
  const level = mark === 'WRN' ? 'warn' : mark === 'ERR' || mark === 'FTL' ? 'error' : 'info'
  return { level, text }
}

/** A session that Postgres ends because itself it starts or ends. */
const passing = /^(the database system is |terminating connection due to administrator command)/

/** What goes wrong in a client's statement is told to that client, who says it if it matters. */
function fromPostgres(line: string): LogLine | null {
  const [, mark, text] = /^\d{4}-\d\d-\d\d [\d:.]+ \S+ \[\d+\] (\w+): +(.*)$/.exec(line) ?? []
  if (mark === undefined || text === undefined) return null
  const isGrave = mark === 'PANIC' || (mark === 'FATAL' && !passing.test(text))
  return { level: isGrave ? 'error' : mark === 'WARNING' ? 'warn' : 'info', text }
}
