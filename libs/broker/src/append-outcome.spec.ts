import { describe, expect, it } from '@jest/globals'
import { appendRefusal, readAck } from './append-outcome.js'

describe('what an answer to an append means', () => {
  it('an acknowledgement carries the sequence and whether it was there before', () => {
    expect(readAck('{"stream":"S","seq":7}')).toEqual({ seq: 7, isDuplicate: false })
    expect(readAck('{"stream":"S","seq":7,"duplicate":true}')).toEqual({ seq: 7, isDuplicate: true })
  })

  it.each([
    [10077, 'UnavailableError', 'stream-full'],
    [10023, 'UnavailableError', 'stream-full'],
    [10047, 'UnavailableError', 'stream-full'],
    [10054, 'InvalidError', 'message-too-large'],
    [10060, 'UnavailableError', 'stream-unavailable'],
    [10071, 'UnavailableError', 'stream-unavailable'],
    [10158, 'UnknownOutcomeError', 'append-unknown'],
  ])('refusal %i is a %s %s', (errCode, name, code) => {
    expect(appendRefusal(errCode, 'told')).toMatchObject({ name, code })
    expect(() => readAck(JSON.stringify({ error: { err_code: errCode } }))).toThrow(
      expect.objectContaining({ code }),
    )
  })
})
