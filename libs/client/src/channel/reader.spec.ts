import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { RefusedError } from '../errors/client-errors.js'
import { Store } from '../store.js'
import type { Gap, Publication } from './publication.js'
import { ChannelReader, type ReadOptions } from './reader.js'
import type { ChannelState, Holder } from './shared-channel.js'

/** A channel whose server is the test. */
class FakeChannel {
  readonly state = new Store<ChannelState>({ kind: 'subscribing' })
  readonly holders = new Set<Holder>()
  readonly hold = (holder: Holder): (() => void) => {
    this.holders.add(holder)
    return () => void this.holders.delete(holder)
  }

  say(offset: number): void {
    for (const holder of this.holders) holder.onPublication?.({ channel: 'a', data: offset, offset })
  }
  gap(): void {
    for (const holder of this.holders) holder.onGap?.({ reason: 'not-recovered' })
  }
  end(): void {
    const error = new RefusedError(2000, 'server unsubscribe', false)
    this.state.set({ kind: 'ended', error })
    for (const holder of this.holders) holder.onEnd?.(error)
  }
}

function reading(options: ReadOptions = {}): {
  channel: FakeChannel
  reader: ChannelReader<number, unknown>
} {
  const channel = new FakeChannel()
  return { channel, reader: new ChannelReader<number, unknown>(channel, options, () => {}) }
}

async function rest(reader: AsyncIterable<Publication<number>>): Promise<(number | string)[]> {
  const seen: (number | string)[] = []
  for await (const { data, gap } of reader) {
    if (gap !== undefined) seen.push(gap.reason === 'slow-reader' ? `-${gap.dropped}` : 'lost')
    seen.push(data)
  }
  return seen
}

describe('a reader', () => {
  it('tells what came before somebody read, in order, and ends quietly when it is closed', async () => {
    const { channel, reader } = reading()
    channel.say(1)
    const read = rest(reader)
    channel.say(2)
    reader.close()
    channel.say(3)
    expect(await read).toEqual([1, 2])
    expect(channel.holders.size).toBe(0)
  })

  it('says how many went when nobody read in time: what is missing must be seen', async () => {
    const gaps: Gap[] = []
    const { channel, reader } = reading({ maxUnread: 2, onGap: (gap) => gaps.push(gap) })
    for (let n = 1; n <= 5; n += 1) channel.say(n)
    reader.close()
    expect(await rest(reader)).toEqual(['-3', 4, 5])
    expect(gaps).toEqual([{ reason: 'slow-reader', dropped: 1 }])
  })

  it('ends with an error instead where a hole is worse than the end, after what is kept', async () => {
    const { channel, reader } = reading({ maxUnread: 2, whenFull: 'end' })
    for (let n = 1; n <= 3; n += 1) channel.say(n)
    const seen: number[] = []
    const read = (async () => {
      for await (const { data } of reader) seen.push(data)
    })()
    await expect(read).rejects.toMatchObject({ code: 'slow-reader' })
    expect([seen, channel.holders.size]).toEqual([[1, 2], 0])
  })

  it('shows a gap with the publication behind it, and keeps it when that one went', async () => {
    const { channel, reader } = reading({ maxUnread: 2 })
    channel.say(1)
    channel.gap()
    channel.say(2)
    channel.say(3)
    channel.say(4)
    reader.close()
    expect(await rest(reader)).toEqual(['lost', 3, 4])
  })

  it('ends with the reason of the server, after what came before', async () => {
    const { channel, reader } = reading()
    channel.say(1)
    channel.end()
    const seen: number[] = []
    await expect(
      (async () => {
        for await (const { data } of reader) seen.push(data)
      })(),
    ).rejects.toMatchObject({ number: 2000 })
    expect(seen).toEqual([1])
  })

  it('is ready when the channel is subscribed, and never will be when it is refused or closed', async () => {
    const ready = reading()
    const waiting = ready.reader.ready()
    ready.channel.state.set({ kind: 'subscribed', isRecoverable: true })
    await waiting
    expect(ready.channel.state.listenerCount).toBe(0)
    const refused = reading()
    const never = refused.reader.ready()
    refused.channel.end()
    await expect(never).rejects.toMatchObject({ number: 2000 })
    const closed = reading()
    const gone = closed.reader.ready()
    closed.reader.close()
    await expect(gone).rejects.toMatchObject({ code: 'reader-closed' })
  })

  it('is closed by leaving the loop: nothing goes on behind a break', async () => {
    const { channel, reader } = reading()
    channel.say(1)
    for await (const { data } of reader) if (data === 1) break
    expect(channel.holders.size).toBe(0)
  })

  it('never shows two as neighbours that were none, whatever its size and whoever reads when', async () => {
    const act = fc.constantFrom('say' as const, 'say' as const, 'gap' as const, 'read' as const)
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        async (acts, maxUnread) => {
          const { channel, reader } = reading({ maxUnread })
          const iterator = reader[Symbol.asyncIterator]()
          const seen: Publication<number>[] = []
          let said = 0
          const lostBefore = new Set<number>()
          let unread = 0
          for (const one of acts) {
            if (one === 'say') {
              channel.say((said += 1))
              unread = Math.min(maxUnread, unread + 1)
            } else if (one === 'gap') {
              channel.gap()
              lostBefore.add(said + 1)
            } else if (unread > 0) {
              unread -= 1
              const { value } = await iterator.next()
              if (value !== undefined) seen.push(value)
            }
          }
          reader.close()
          for await (const one of { [Symbol.asyncIterator]: () => iterator }) seen.push(one)
          let before = 0
          for (const { data, gap } of seen) {
            const between = Array.from({ length: data - before }, (_, index) => before + 1 + index)
            const isLost = between.some((number) => lostBefore.has(number))
            if (isLost) expect(gap).toEqual({ reason: 'not-recovered' })
            else if (data === before + 1) expect(gap).toBeUndefined()
            else expect(gap).toEqual({ reason: 'slow-reader', dropped: data - before - 1 })
            before = data
          }
          expect(before).toBe(said)
        },
      ),
    )
  })
})
