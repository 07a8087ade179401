import { relative } from 'node:path'
import { RotatingFile } from './files/rotating-file.js'
import type { ManagedProcess } from './process/managed-process.js'
import { readLogLine } from './process/log-line.js'
import { places } from './mesh/mesh-settings.js'

/** More than this many warnings of one process in `windowMs` are counted instead of shown: they are in its log. */
const shownPerWindow = 10
const windowMs = 10_000

/** A line for people, and the same for programs. */
export type WriteReport = (line: string, more: object) => void

/** What people see of the processes: a line per event, warnings and errors; all that they say goes to their logs. */
export class ConsoleReport {
  constructor(
    private readonly dataFolder: string,
    private readonly write: WriteReport,
    private readonly now: () => number = Date.now,
  ) {}

  /** `more`: what programs want to know of it. */
  say(line: string, more: object = { event: 'note', text: line }): void {
    this.write(line, more)
  }

  follow(process: ManagedProcess): void {
    const { name, events } = process
    const say: WriteReport = (text, more) =>
      this.write(`  ${name.padEnd(11)} ${text}`, { process: name, ...more })
    const file = new RotatingFile(places.log(this.dataFolder, name))
    const warn = this.throttled(name, say)
    events.on('process:line', ({ line, stream }) => {
      file.writeLine(line)
      const { level, text } = readLogLine(line, stream)
      if (level !== 'info') warn(`${level}: ${text}`, { event: 'log', level, text })
    })
    events.on('process:ready', ({ tookMs, pid }) =>
      say(`ready in ${seconds(tookMs)} s, pid ${pid}`, { event: 'ready', tookMs, pid }),
    )
    events.on('process:late', ({ waitedMs }) =>
      say(`not ready after ${seconds(waitedMs)} s: killed`, { event: 'late', waitedMs }),
    )
    events.on('process:exit', ({ how, wasWanted }) =>
      say(wasWanted ? 'stopped' : `ended: ${how}`, { event: 'exit', how, wasWanted }),
    )
    events.on('process:restart', ({ inMs }) =>
      say(`starts again in ${seconds(inMs)} s`, { event: 'restart', inMs }),
    )
  }

  private throttled(name: string, say: WriteReport): WriteReport {
    let since = 0
    let count = 0
    return (text, more) => {
      const now = this.now()
      if (now - since > windowMs) {
        since = now
        count = 0
      }
      count += 1
      const file = shownPath(places.log(this.dataFolder, name))
      if (count <= shownPerWindow) say(text, more)
      else if (count === shownPerWindow + 1)
        say(`more in ${file}`, { event: 'log', level: 'more', text: file })
    }
  }
}

/** As one would type it: relative, unless that leads out of the folder one is in. */
export function shownPath(file: string): string {
  const path = relative(process.cwd(), file)
  return path.startsWith('..') ? file : path || '.'
}

export function seconds(ms: number): string {
  return (ms / 1000).toFixed(1)
}
