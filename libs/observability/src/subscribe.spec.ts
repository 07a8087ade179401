import { describe, expect, it } from '@jest/globals'
import { TypedEvents } from '@natter/primitives'
import { createLogger } from './json-logger.js'
import { logEvents, observe } from './subscribe.js'

interface Events {
  'door:open': { who: string }
  'door:close': { code: number }
}

describe('a listener of an event map', () => {
  it('is fed until it is ended, and leaves nothing behind', () => {
    const events = new TypedEvents<Events>()
    const seen: unknown[] = []
    const end = observe(events, {
      'door:open': ({ who }) => seen.push(who),
      'door:close': ({ code }) => seen.push(code),
    })
    events.emit('door:open', { who: 'ada' })
    events.emit('door:close', { code: 3000 })
    end()
    events.emit('door:open', { who: 'bob' })
    expect(seen).toEqual(['ada', 3000])
    expect(events.listenerCount).toBe(0)
  })

  it('writes events as lines, at a level that may depend on what happened', () => {
    const events = new TypedEvents<Events>()
    const lines: Record<string, unknown>[] = []
    const logger = createLogger({ level: 'debug', sink: (line) => void lines.push(JSON.parse(line)) })
    const end = logEvents(events, logger, {
      'door:open': 'debug',
      'door:close': ({ code }) => (code === 3000 ? undefined : 'warn'),
    })
    events.emit('door:open', { who: 'ada' })
    events.emit('door:close', { code: 3000 })
    events.emit('door:close', { code: 3008 })
    end()
    events.emit('door:open', { who: 'bob' })
    expect(lines).toMatchObject([
      { level: 'debug', event: 'door:open', who: 'ada' },
      { level: 'warn', event: 'door:close', code: 3008 },
    ])
    expect(lines).toHaveLength(2)
  })
})
