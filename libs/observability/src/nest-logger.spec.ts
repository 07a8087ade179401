import { describe, expect, it } from '@jest/globals'
import type { LoggerService } from '@nestjs/common'
import { createLogger } from './json-logger.js'
import { nestLogger } from './nest-logger.js'

describe("Nest's logger", () => {
  it('writes chatter as debug, warnings and errors as what they are', () => {
    const lines: Record<string, unknown>[] = []
    const nest: LoggerService = nestLogger(
      createLogger({ level: 'debug', sink: (line) => void lines.push(JSON.parse(line)) }),
    )
    nest.log('Nest application started', 'NestApplication')
    nest.warn('old', 'Router')
    nest.error('broken', 'the stack', 'Router')
    nest.fatal?.(new Error('worse'))
    expect(lines).toMatchObject([
      { level: 'debug', event: 'nest:say', context: 'NestApplication', message: 'Nest application started' },
      { level: 'warn', context: 'Router', message: 'old' },
      { level: 'error', context: 'Router', message: 'broken', more: ['the stack'] },
      { level: 'error', error: { message: 'worse' } },
    ])
  })
})
