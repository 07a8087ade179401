import { describe, expect, it } from '@jest/globals'
import { messageOf, UnavailableError } from './errors.js'

describe('what anything thrown says', () => {
  it('is its message', () => {
    expect(messageOf(new UnavailableError('nats-away', 'NATS is away'))).toBe('NATS is away')
  })

  it('is the name of an error without a message: Node rejects so when no address of a host answers', () => {
    expect(messageOf(new AggregateError([new Error('refused')]))).toBe('AggregateError')
  })

  it('is the thing itself, as text, when it is no error', () => {
    expect([messageOf('gone'), messageOf(undefined)]).toEqual(['gone', 'undefined'])
  })
})
