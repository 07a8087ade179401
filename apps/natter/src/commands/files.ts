import { InvalidError } from '@natter/primitives'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Terminal } from '../cli/terminal.js'

/** The text of a file that a flag names, without the line's end that editors leave. @throws InvalidError `unreadable-file`. */
export function readNamed(flag: string, path: string, { cwd }: Pick<Terminal, 'cwd'>): string {
  try {
    return readFileSync(resolve(cwd, path), 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? 'there is none'
        : String((error as NodeJS.ErrnoException).code)
    throw new InvalidError('unreadable-file', `--${flag} names ${path}, which can't be read: ${why}.`, {
      cause: error,
    })
  }
}
