import { describe, expect, it } from '@jest/globals'
import { readLogLine } from '../process/log-line.js'
import { failureIn } from './postgres-cluster.js'

/** As it comes on the guard's stderr, line by line. */
const shown = (said: string) =>
  `initdb failed (1): ${failureIn(said)}`.split('\n').map((line) => readLogLine(line, 'stderr'))

describe('what initdb said when it fails', () => {
  it('is one error, and its chatter is none: people look for what went wrong', () => {
    const said =
      'The files belonging to this database system will be owned by user "x".\n\ncreating subdirectories ... ok\n' +
      'initdb: error: could not create directory "x": No space left on device\ninitdb: removing contents\n'
    const lines = shown(said)
    expect(lines.filter(({ level }) => level !== 'info')).toEqual([
      {
        level: 'error',
        text: 'initdb failed (1): initdb: error: could not create directory "x": No space left on device',
      },
    ])
    expect(lines).toHaveLength(4)
  })

  it('is told without the time of a server’s line, and as its last line when none is an error', () => {
    const fatal = '2026-01-01 00:00:00.000 UTC [7] FATAL:  lock file "postmaster.pid" already exists'
    expect(failureIn(`starting\n${fatal}\n`)).toBe(
      'FATAL:  lock file "postmaster.pid" already exists\n  starting',
    )
    expect(failureIn('one\ntwo\n')).toBe('two\n  one')
    expect(failureIn('')).toBe('it said nothing')
  })
})
