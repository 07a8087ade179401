import { describe, expect, it } from '@jest/globals'
import { readLogLine } from './log-line.js'

describe('what a process says', () => {
  it('is shown with its event first when it is one of our JSON lines', () => {
    const line = '{"time":"2026-01-01T00:00:00Z","level":"warn","event":"broker:reconnect","attempt":3}'
    expect(readLogLine(line, 'stdout')).toEqual({ level: 'warn', text: 'broker:reconnect attempt=3' })
  })

  it('is shown with the sentence of its error, not with all that the error knows', () => {
    const error = { name: 'UnavailableError', code: 'nats-unreachable', message: 'NATS is away.', cause: {} }
    const line = JSON.stringify({ level: 'error', event: 'process:start:failed', node: 'gateway-1', error })
    expect(readLogLine(line, 'stdout').text).toBe('process:start:failed error=NATS is away.')
  })

  it("has nats-server's level, though all of it comes on stderr", () => {
    const at = (mark: string) => readLogLine(`[7] 2026/01/01 00:00:00.000000 [${mark}] text`, 'stderr')
    expect(at('INF')).toEqual({ level: 'info', text: 'text' })
    expect(at('WRN').level).toBe('warn')
    expect(at('FTL').level).toBe('error')
  })

  it("has Postgres' level, but neither a client's mistake nor the end of a session is one of the mesh", () => {
    const at = (rest: string) => readLogLine(`2026-01-01 00:00:00.000 UTC [7] ${rest}`, 'stderr')
    expect(at('LOG:  ready')).toEqual({ level: 'info', text: 'ready' })
    expect(at('WARNING:  careful').level).toBe('warn')
    expect(at('FATAL:  lock file "postmaster.pid" already exists').level).toBe('error')
    expect(at('PANIC:  no space left').level).toBe('error')
    expect(at('ERROR:  syntax error at or near "selct"').level).toBe('info')
    expect(at('FATAL:  the database system is starting up').level).toBe('info')
  })

  it('is an error when it is plain and on stderr, but the rest of a stack trace is not one more each line', () => {
    expect(readLogLine('Error: no', 'stderr').level).toBe('error')
    expect(readLogLine('    at main.js:1:1', 'stderr').level).toBe('info')
  })

  it('is no error when it is Node that tells where its inspector listens', () => {
    expect(readLogLine('Debugger listening on ws://127.0.0.1:8031/x', 'stderr').level).toBe('info')
    expect(readLogLine('For help, see: https://nodejs.org/', 'stderr').level).toBe('info')
  })

  it('is a warning when it is one of Node’s, and nothing to worry about when it tells how to trace it', () => {
    const warning = '(node:7) [DEP0040] DeprecationWarning: The `punycode` module is deprecated.'
    expect(readLogLine(warning, 'stderr')).toEqual({ level: 'warn', text: warning })
    expect(readLogLine('(node:7) ExperimentalWarning: x', 'stderr').level).toBe('warn')
    expect(readLogLine('(Use `node --trace-warnings ...` to show where)', 'stderr').level).toBe('info')
  })

  it('stays as it is when it only looks like JSON', () => {
    expect(readLogLine('{"level":', 'stdout')).toEqual({ level: 'info', text: '{"level":' })
  })
})
