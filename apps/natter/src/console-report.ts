import { relative } from 'node:path'
import { RotatingFile } from './files/rotating-file.js'
import type { ManagedProcess } from './process/managed-process.js'
import { readLogLine } from './process/log-line.js'
import { places } from './mesh/mesh-settings.js'

/** More than this many warnings of one process in `windowMs` are counted instead of shown: they are in its log. */
const shownPerWindow = 10
const windowMs = 10_000

/** What people see of the processes: a line per event, warnings and errors; all that they say goes to their logs. */
export class ConsoleReport {
  constructor(
    private readonly dataFolder: string,
    private readonly write: (line: string) => void,
    private readonly now: () => number = Date.now,
  ) {}

  say(line: string): void {
    this.write(line)
  }

  follow(process: ManagedProcess): void {
    const { name, events } = process
    const say = (text: string) => this.write(`  ${name.padEnd(11)} ${text}`)
    const file = new RotatingFile(places.log(this.dataFolder, name))
    const warn = this.throttled(name, say)
    events.on('process:line', ({ line, stream }) => {
      file.writeLine(line)
      const { level, text } = readLogLine(line, stream)
      if (level !== 'info') warn(`${level}: ${text}`)
    })
    events.on('process:ready', ({ tookMs, pid }) => say(`ready in ${seconds(tookMs)} s, pid ${pid}`))
    events.on('process:late', ({ waitedMs }) => say(`not ready after ${seconds(waitedMs)} s: killed`))
    events.on('process:exit', ({ how, wasWanted }) => say(wasWanted ? 'stopped' : `ended: ${how}`))
    events.on('process:restart', ({ inMs }) => say(`starts again in ${seconds(inMs)} s`))
  }

  private throttled(name: string, say: (text: string) => void): (text: string) => void {
    let since = 0
    let count = 0
    return (text) => {
      const now = this.now()
      if (now - since > windowMs) {
        since = now
        count = 0
      }
      count += 1
      if (count <= shownPerWindow) say(text)
      else if (count === shownPerWindow + 1) say(`more in ${shownPath(places.log(this.dataFolder, name))}`)
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
