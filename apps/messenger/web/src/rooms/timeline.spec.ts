import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { StoredMessage } from './chat-message.js'
import { rowsOf } from '../view/rows.js'
import { addHistory, addStored, EMPTY_TIMELINE, restartFrom, withOwn, type OwnMessage } from './timeline.js'

const message = (offset: number, id = `m${offset}`, user = 'ana'): StoredMessage => ({
  key: `${user}/${id}`,
  id,
  user,
  name: user,
  text: id,
  at: offset,
  offset,
})

const own = (id: string): OwnMessage => ({
  key: `ana/${id}`,
  id,
  text: id,
  name: 'ana',
  at: 0,
  delivery: { kind: 'sending' },
})

const page = (messages: StoredMessage[], epoch = 'e') => ({ messages, epoch, hasOlder: false })
const offsets = (timeline: { stored: readonly StoredMessage[] }): number[] =>
  timeline.stored.map(({ offset }) => offset)

describe('a timeline', () => {
  it('shows each message once and in order, whichever way its pieces arrive', () => {
    const chunks = fc.array(fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 10 }), { maxLength: 10 })
    fc.assert(
      fc.property(chunks, (pieces) => {
        const timeline = pieces.reduce(
          (sum, piece) =>
            addStored(
              sum,
              piece.map((offset) => message(offset)),
            ),
          EMPTY_TIMELINE,
        )
        expect(offsets(timeline)).toEqual([...new Set(pieces.flat())].toSorted((a, b) => a - b))
      }),
    )
  })

  it('keeps the first of two publications of one message, since a late repeat may be stored twice', () => {
    const timeline = addStored(addStored(EMPTY_TIMELINE, [message(9, 'x')]), [message(4, 'x')])
    expect(offsets(timeline)).toEqual([4])
  })

  it('lets nobody take the place of another’s message by copying its id', () => {
    const timeline = addStored(EMPTY_TIMELINE, [message(1, 'x', 'mallory'), message(2, 'x', 'ana')])
    expect(offsets(timeline)).toEqual([1, 2])
  })

  it('has an own message in one place: on its way, then stored', () => {
    const sent = withOwn(EMPTY_TIMELINE, [own('a'), own('b')])
    const back = addStored(sent, [message(7, 'a')])
    expect(back.own.map(({ id }) => id)).toEqual(['b'])
    expect(withOwn(back, [own('a'), own('b')]).own.map(({ id }) => id)).toEqual(['b'])
  })

  it('keeps a refused message and a bot’s answer where they were, while the talk goes on below them', () => {
    const refused = { ...own('a'), delivery: { kind: 'refused', reason: 'no' } as const }
    const before = withOwn(addStored(EMPTY_TIMELINE, [message(4)]), [refused])
    const after = withOwn(addStored(before, [message(5)]), [refused, own('b')])
    expect(after.own.map((each) => each.after)).toEqual([4, undefined])
    expect(rowsOf(after, 'ana').flatMap((row) => (row.kind === 'message' ? [row.text] : []))).toEqual([
      'm4',
      'a',
      'm5',
      'b',
    ])
    expect(withOwn(after, [own('a')]).own.map((each) => each.after)).toEqual([undefined])
  })

  it('marks where something may be missing after a resume that was not proved', () => {
    const before = addHistory(EMPTY_TIMELINE, page([message(1), message(2)]))
    const after = restartFrom(before, page([message(2), message(8)]), 2)
    expect(after.gapsAfter).toEqual([2])
    expect(offsets(after)).toEqual([2, 8])
  })

  it('drops what it knew when the log is another one, because its offsets mean nothing there', () => {
    const before = addHistory(EMPTY_TIMELINE, page([message(50)], 'old'))
    const after = restartFrom(before, page([message(3, 'new')], 'new'), 50)
    expect(offsets(after)).toEqual([3])
    expect(after.gapsAfter).toEqual([0])
  })
})
