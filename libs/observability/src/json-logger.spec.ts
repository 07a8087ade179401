import { describe, expect, it } from '@jest/globals'
import { InvalidError } from '@natter/primitives'
import fc from 'fast-check'
import { createLogger } from './json-logger.js'
import type { Fields, LogLevel } from './logger.js'

const clock = { now: () => 0, setTimer: () => ({ cancel: () => {} }) }

function logger(level: LogLevel = 'info', fields: Fields = {}) {
  const lines: string[] = []
  const log = createLogger({ level, fields, clock, sink: (line) => void lines.push(line) })
  const last = (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? '{}')
  return { log, lines, last }
}

describe('a log line', () => {
  it('is one line of JSON with time, level and event first', () => {
    const { log, lines } = logger('info', { node: 'gateway-1' })
    log.child({ connectionId: 'c1' }).info('connection:open', { text: 'two\nlines' })
    expect(lines).toEqual([
      '{"time":"1970-01-01T00:00:00.000Z","level":"info","event":"connection:open","node":"gateway-1","connectionId":"c1","text":"two\\nlines"}\n',
    ])
  })

  it('is written at its level and above only', () => {
    const { log, lines } = logger('warn')
    for (const level of ['error', 'warn', 'info', 'debug'] as const) log[level]('x:y')
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['error', 'warn'])
    expect([log.writes('warn'), log.writes('info')]).toEqual([true, false])
  })

  it('is written at another level once that changes, of children made before as well', () => {
    const { log, lines } = logger('warn')
    const child = log.child({ a: 1 })
    log.setLevel('debug')
    child.debug('x:y')
    log.setLevel('error')
    child.warn('x:z')
    expect(lines).toHaveLength(1)
  })

  it('keeps its head when a field has the name of it', () => {
    const { log, last } = logger()
    log.info('x:y', { event: 'forged', level: 'error' })
    expect(last()).toMatchObject({ event: 'x:y', level: 'info', event_: 'forged', level_: 'error' })
  })

  it('tells an error by code, message and causes; the stack only where somebody debugs', () => {
    const error = new InvalidError('bad-port', 'No such port.', {
      cause: new Error('deeper', { cause: 'text' }),
    })
    const { log, last } = logger('info')
    log.error('x:y', { error })
    expect(last().error).toEqual({
      name: 'InvalidError',
      code: 'bad-port',
      message: 'No such port.',
      cause: { name: 'Error', message: 'deeper', cause: 'text' },
    })
    const debug = logger('debug')
    debug.log.error('x:y', { error })
    expect(debug.last().error).toMatchObject({ stack: expect.stringContaining('json-logger.spec') })
  })

  it('hides what looks secret, should somebody log it', () => {
    const { log, lines } = logger()
    log.info('x:y', {
      token: 'hunter2',
      request: { headers: { Authorization: 'hunter2', 'set-cookie': 'hunter2' } },
      url: 'nats://me:hunter2@host',
      error: new Error('no way to nats://me:hunter2@host'),
    })
    expect(lines[0]).not.toContain('hunter2')
    expect(lines[0]).toContain('nats://(hidden)@host')
  })

  it('survives cycles, broken getters and what JSON has no word for', () => {
    const cycle: Record<string, unknown> = {
      big: 10n,
      when: new Date(Number.NaN),
      nan: Number.NaN,
      fn: () => {},
    }
    cycle.self = cycle
    Object.defineProperty(cycle, 'broken', {
      enumerable: true,
      get: () => {
        throw new Error('no')
      },
    })
    cycle.bytes = new Uint8Array(3)
    cycle.map = new Map([['k', new Set([1])]])
    const { log, last } = logger()
    log.info('x:y', { cycle })
    expect(last().cycle).toEqual({
      big: '10',
      when: '[unreadable]',
      nan: 'NaN',
      fn: '[function]',
      self: '[circular]',
      broken: '[unreadable]',
      bytes: '[3 bytes]',
      map: { k: [1] },
    })
  })

  it('tells the same object twice if it stands there twice: that is no cycle', () => {
    const shared = { a: 1 }
    const { log, last } = logger()
    log.info('x:y', { one: shared, other: shared })
    expect(last()).toMatchObject({ one: { a: 1 }, other: { a: 1 } })
  })

  it('stays below 16 KiB, however much it is given, and says when something was cut', () => {
    const { log, lines, last } = logger('info', { node: 'n' })
    log.info('x:y', { text: 'x'.repeat(1e6) })
    expect(String(last().text)).toHaveLength(2001)
    log.info('x:y', Object.fromEntries(Array.from({ length: 49 }, (_, n) => [`k${n}`, 'y'.repeat(5000)])))
    expect(last()).toMatchObject({ event: 'x:y', node: 'n', cutFrom: expect.any(Number) })
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(16_384)
  })

  it('comes out parsable for anything at all', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string(),
          fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true }),
        ),
        (fields) => {
          const { log, lines } = logger('debug')
          log.debug('x:y', fields)
          expect(lines).toHaveLength(1)
          expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'debug', event: 'x:y' })
        },
      ),
    )
  })

  it('that cannot be written is lost, and nobody is hurt', () => {
    const broken = createLogger({
      level: 'info',
      sink: () => {
        throw new Error('disk full')
      },
    })
    expect(() => broken.info('x:y')).not.toThrow()
  })
})
