import { describe, expect, it } from '@jest/globals'
import type { BrokerEvents } from '@natter/broker'
import type { Logger } from '@natter/observability'
import { TypedEvents } from '@natter/primitives'
import type { Level } from './fullness/levels.js'
import type { GatewayEvents } from './gateway.events.js'
import { log } from './gateway.logs.js'

function start() {
  const lines: string[] = []
  const at = (level: string) => (event: string) => void lines.push(`${level} ${event}`)
  const logger = { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') } as Logger
  const events = { gateway: new TypedEvents<GatewayEvents>(), broker: new TypedEvents<BrokerEvents>() }
  log(logger, events)
  const tell = (before: Level, level: Level, onFull: 'refuse' | 'forget'): string | undefined => {
    const counts = { stream: 'S', bytes: 1, maxBytes: 1, advice: '' }
    events.gateway.emit('stream:level', { ...counts, before, level, onFull })
    return lines.pop()
  }
  return tell
}

describe('the log of a stream that fills', () => {
  it('warns while there is time, is an error once publications are refused, and says when it is over', () => {
    const tell = start()
    const rise = [
      tell(0, 50, 'refuse'),
      tell(50, 75, 'refuse'),
      tell(75, 90, 'refuse'),
      tell(90, 100, 'refuse'),
    ]
    const [warning, error, info] = ['warn', 'error', 'info'].map((level) => `${level} stream:level`)
    expect(rise).toEqual([warning, warning, error, error])
    expect([tell(100, 90, 'refuse'), tell(90, 0, 'refuse')]).toEqual([info, info])
  })

  it('alarms nobody about a stream that forgets: to be full is its normal state', () => {
    const tell = start()
    expect([tell(0, 90, 'forget'), tell(90, 100, 'forget')]).toEqual([
      'info stream:level',
      'info stream:level',
    ])
  })
})
