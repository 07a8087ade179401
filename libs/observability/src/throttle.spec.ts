import { describe, expect, it } from '@jest/globals'
import { ManualClock } from '@natter/testing'
import { createLogger } from './json-logger.js'
import { throttle } from './throttle.js'

function throttled(perSecond: number) {
  const clock = new ManualClock()
  const lines: Record<string, unknown>[] = []
  const inner = createLogger({ level: 'info', clock, sink: (line) => void lines.push(JSON.parse(line)) })
  return { clock, lines, log: throttle(inner, { perSecond, clock }) }
}

describe('a throttled logger', () => {
  it('writes so many of a kind in a second and then how many it left out', () => {
    const { clock, lines, log } = throttled(2)
    for (let n = 0; n < 10; n += 1) log.warn('x:fail', { code: 'busy', n })
    expect(lines.map(({ n }) => n)).toEqual([0, 1])
    clock.advance(1000)
    expect(lines[2]).toMatchObject({ level: 'warn', event: 'x:fail', code: 'busy', suppressed: 8 })
    log.warn('x:fail', { code: 'busy', n: 10 })
    clock.advance(1000)
    expect(lines.map(({ n }) => n)).toEqual([0, 1, undefined, 10])
  })

  it('keeps kinds apart by level, event and code, the code of an error too', () => {
    const { lines, log } = throttled(1)
    const failed = (code: string) => ({ error: Object.assign(new Error('x'), { code }) })
    for (let n = 0; n < 2; n += 1) {
      log.warn('x:fail', failed('a'))
      log.warn('x:fail', failed('b'))
      log.error('x:fail', failed('a'))
      log.warn('y:fail', failed('a'))
    }
    expect(lines).toHaveLength(4)
  })

  it('counts over all children: a thousand connections fail as one', () => {
    const { lines, log } = throttled(3)
    for (let n = 0; n < 1000; n += 1) log.child({ connectionId: `c${n}` }).warn('x:fail')
    expect(lines).toHaveLength(3)
  })

  it('is bounded: kinds beyond the bound share one allowance, and no timer stays', () => {
    const { clock, lines, log } = throttled(1)
    for (let n = 0; n < 2000; n += 1) log.warn('x:fail', { code: n })
    expect(lines).toHaveLength(501)
    clock.advance(1000)
    expect(clock.pendingTimers).toBe(0)
  })
})
