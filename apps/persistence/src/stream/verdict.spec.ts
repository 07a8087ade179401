import { describe, expect, it } from '@jest/globals'
import type { StreamState } from '@natter/broker'
import { digestOf, judge } from './verdict.js'

const body = Buffer.from('the same words')
const message = { seq: 7, timeNs: 70n, body, meta: undefined, subject: 'natter.c.1.kept.a' }
const checkpoint = { epoch: 'now', seq: 7, timeNs: 70n, digest: digestOf(body), rolling: 0 }
const state: StreamState = {
  created: 'then',
  firstSeq: 1,
  lastSeq: 9,
  messages: 9,
  bytes: 9,
  maxBytes: 0,
  onFull: 'refuse',
}

describe('whether a stream is the one that was archived', () => {
  it.each([
    ['nothing was ever archived', undefined, undefined, state, 'first'],
    ['another numbering', { ...checkpoint, epoch: 'before' }, undefined, state, 'other-epoch'],
    ['an epoch of which nothing was read', { ...checkpoint, seq: 0 }, undefined, state, 'same'],
    ['the very message', checkpoint, message, state, 'same'],
    [
      'the same words said again at another time',
      checkpoint,
      { ...message, timeNs: 71n },
      state,
      'rolled-back',
    ],
    [
      'other words at the same time',
      checkpoint,
      { ...message, body: Buffer.from('x') },
      state,
      'rolled-back',
    ],
    ['the message is gone, the stream went on', checkpoint, undefined, state, 'unproven'],
    [
      'the newest message is gone: a channel was removed',
      checkpoint,
      undefined,
      { ...state, lastSeq: 7 },
      'unproven',
    ],
    ['the stream ends before it', checkpoint, undefined, { ...state, lastSeq: 6 }, 'rolled-back'],
  ] as const)('%s', (_, stored, found, seen, verdict) => {
    expect(judge('now', stored, found, seen)).toBe(verdict)
  })
})
