import { describe, expect, it } from '@jest/globals'
import { ManualClock } from '@natter/testing'
import { Store } from '../store.js'
import { MembersWatch } from './members.js'
import type { Member } from './publication.js'
import type { ChannelState, Holder } from './shared-channel.js'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('who is in a channel', () => {
  const start = () => {
    const clock = new ManualClock()
    const state = new Store<ChannelState>({ kind: 'subscribed', isRecoverable: false })
    const holders = new Set<Holder>()
    const hold = (holder: Holder): (() => void) => {
      holders.add(holder)
      return () => void holders.delete(holder)
    }
    const questions: { answer(members: Member[]): void; fail(error: Error): void }[] = []
    const ask = (): Promise<Member[]> => new Promise((answer, fail) => void questions.push({ answer, fail }))
    const watch = new MembersWatch({ source: { state, hold }, ask, clock })
    let changes = 0
    const stop = watch.subscribe(() => (changes += 1))
    const join = (): void => {
      for (const holder of holders) holder.onJoin?.({ client: 'c', user: 'u' })
    }
    return { clock, state, holders, questions, watch, stop, join, changes: () => changes }
  }
  const ana: Member = { client: '1', user: 'ana' }
  const ben: Member = { client: '2', user: 'ben' }

  it('is asked once for a burst of joins, and again after half a minute, so that what was missed heals', async () => {
    const { clock, questions, join, watch } = start()
    clock.advance(0)
    questions[0]?.answer([ben, ana])
    await settled()
    expect(watch.get()).toEqual({ kind: 'known', members: [ana, ben] })
    for (let n = 0; n < 5; n += 1) join()
    clock.advance(200)
    expect(questions.length).toBe(2)
    questions[1]?.answer([ana])
    await settled()
    clock.advance(30_000)
    expect(questions.length).toBe(3)
  })

  it('changes only when somebody came or went: pages draw no more often', async () => {
    const { clock, questions, join, changes } = start()
    clock.advance(0)
    questions[0]?.answer([ana, ben])
    await settled()
    join()
    clock.advance(200)
    questions[1]?.answer([ben, ana])
    await settled()
    expect(changes()).toBe(1)
  })

  it('keeps its last answer when a question fails, and says so when there was none', async () => {
    const { clock, questions, join, watch } = start()
    clock.advance(0)
    questions[0]?.fail(new Error('not allowed'))
    await settled()
    expect(watch.get()).toMatchObject({ kind: 'failed' })
    join()
    clock.advance(200)
    questions[1]?.answer([ana])
    await settled()
    clock.advance(30_000)
    questions[2]?.fail(new Error('away'))
    await settled()
    expect(watch.get()).toEqual({ kind: 'known', members: [ana] })
  })

  it('asks nothing without a subscription, and leaves nothing when the last listener has gone', async () => {
    const { clock, state, questions, stop, holders, watch } = start()
    state.set({ kind: 'subscribing' })
    expect(clock.pendingTimers).toBe(0)
    state.set({ kind: 'subscribed', isRecoverable: false })
    clock.advance(0)
    stop()
    questions[0]?.answer([ana])
    await settled()
    expect([watch.get(), clock.pendingTimers, holders.size]).toEqual([{ kind: 'unknown' }, 0, 0])
  })
})
