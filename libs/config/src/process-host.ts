/** The only file of this lib that touches the process: arguments, environment, files, output, exit. */
import { readFileSync, writeSync } from 'node:fs'
import type { ConfigSources } from './load-config.js'

/** What loading a configuration needs of a process. */
export interface Host extends ConfigSources {
  /** Both write at once: what is buffered when the process exits would be lost. */
  print(text: string): void
  printError(text: string): void
  exit(code: number): never
  /** What `ps` shows of this process from now on, in place of its arguments. */
  showAs(title: string): void
}

/** As they were when the process began: what a reload reads again are files alone. */
export const processHost: Host = {
  argv: process.argv.slice(2),
  env: { ...process.env },
  readFile: (path) => readFileSync(path, 'utf8'),
  print: (text) => writeWhole(1, text),
  printError: (text) => writeWhole(2, text),
  exit: (code) => process.exit(code),
  showAs: (title) => void (process.title = title),
}

function writeWhole(descriptor: number, text: string): void {
  let rest = Buffer.from(text)
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(descriptor, rest))
  } catch {
    // Nobody reads: the pipe is closed or full. The exit code still tells.
  }
}
