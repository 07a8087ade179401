/**
 * A logger that says the same thing only so often: whoever fails, fails a thousand times.
 *
 * T1. Of one level, event and code at most `perSecond` lines are written in a second; the rest are counted.
 * T2. What was counted is told at the end of that second, as one line with `suppressed`.
 * T3. Memory is bounded: past `maxKinds` kinds at once the others share one allowance.
 */
import { systemClock, type Clock } from '@natter/primitives'
import type { Fields, Logger, LogLevel } from './logger.js'

export interface ThrottleOptions {
  /** Default 5. */
  perSecond?: number
  clock?: Clock
}

const maxKinds = 500
const windowMs = 1000

interface Window {
  written: number
  suppressed: number
}

export function throttle(
  logger: Logger,
  { perSecond = 5, clock = systemClock }: ThrottleOptions = {},
): Logger {
  return new ThrottledLogger(logger, new Allowances(perSecond, clock))
}

class ThrottledLogger implements Logger {
  constructor(
    private readonly inner: Logger,
    private readonly allowances: Allowances,
  ) {}

  error(event: string, fields?: Fields): void {
    this.pass('error', event, fields)
  }

  warn(event: string, fields?: Fields): void {
    this.pass('warn', event, fields)
  }

  info(event: string, fields?: Fields): void {
    this.pass('info', event, fields)
  }

  debug(event: string, fields?: Fields): void {
    this.pass('debug', event, fields)
  }

  child(fields: Fields): Logger {
    return new ThrottledLogger(this.inner.child(fields), this.allowances)
  }

  writes(level: LogLevel): boolean {
    return this.inner.writes(level)
  }

  private pass(level: LogLevel, event: string, fields?: Fields): void {
    if (!this.inner.writes(level)) return
    const code = codeOf(fields)
    const told = code === undefined ? {} : { code }
    const summarize = (suppressed: number): void => this.inner[level](event, { ...told, suppressed })
    if (this.allowances.take(`${level} ${event} ${code ?? ''}`, summarize)) this.inner[level](event, fields)
  }
}

class Allowances {
  private readonly windows = new Map<string, Window>()

  constructor(
    private readonly perSecond: number,
    private readonly clock: Clock,
  ) {}

  /** Whether one more line of this kind may be written. */
  take(kind: string, summarize: (suppressed: number) => void): boolean {
    const key = this.windows.has(kind) || this.windows.size < maxKinds ? kind : 'others' // T3
    const window = this.windows.get(key) ?? this.open(key, summarize)
    if (window.written < this.perSecond) {
      window.written += 1
      return true
    }
    window.suppressed += 1
    return false
  }

  private open(key: string, summarize: (suppressed: number) => void): Window {
    const window: Window = { written: 0, suppressed: 0 }
    this.windows.set(key, window)
    const close = (): void => {
      this.windows.delete(key)
      if (window.suppressed > 0) summarize(window.suppressed) // T2
    }
    this.clock.setTimer(close, windowMs)
    return window
  }
}

function codeOf(fields: Fields | undefined): string | number | undefined {
  const error = fields?.error
  const code =
    fields?.code ?? (typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined)
  return typeof code === 'string' || typeof code === 'number' ? code : undefined
}
