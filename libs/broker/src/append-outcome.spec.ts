import { describe, expect, it } from '@jest/globals'
import { appendRefusal, readAck } from './append-outcome.js'

const ack = (text: string): ReturnType<typeof readAck> => readAck(Buffer.from(text))

describe('what an answer to an append means', () => {
  it('an acknowledgement carries the sequence and whether it was there before', () => {
    expect(ack('{"stream":"S","seq":7}')).toEqual({ seq: 7, isDuplicate: false })
    expect(ack('{"stream":"S","seq":7,"duplicate":true}')).toEqual({ seq: 7, isDuplicate: true })
  })

  it('any order and company of the fields is understood', () => {
    expect(ack('{"stream":"S","domain":"hub","seq":1234567890123}').seq).toBe(1_234_567_890_123)
    expect(ack('{"seq": 9, "stream":"S"}').seq).toBe(9)
    expect(ack('{"stream":"S","seq":3,"count":9}').seq).toBe(3)
    expect(() => ack('{"stream":"S"}')).toThrow()
  })

  it.each([
    [10077, 'UnavailableError', 'stream-full'],
    [10023, 'UnavailableError', 'stream-full'],
    [10047, 'UnavailableError', 'stream-full'],
    [10054, 'InvalidError', 'message-too-large'],
    [10060, 'UnavailableError', 'stream-unavailable'],
    [10071, 'UnavailableError', 'other-newest'],
    [10164, 'UnavailableError', 'other-newest'],
    [10158, 'UnknownOutcomeError', 'append-unknown'],
  ])('refusal %i is a %s %s', (errCode, name, code) => {
    expect(appendRefusal(errCode, 'told')).toMatchObject({ name, code })
    expect(() => ack(JSON.stringify({ error: { err_code: errCode } }))).toThrow(
      expect.objectContaining({ code }),
    )
  })
})
