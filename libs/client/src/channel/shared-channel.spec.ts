import { describe, expect, it } from '@jest/globals'
import type { Centrifuge, Subscription } from 'centrifuge'
import { EventEmitter } from 'node:events'
import { SharedChannel } from './shared-channel.js'

/** A subscription whose server is the test. */
class FakeSubscription extends EventEmitter {
  subscribes = 0
  subscribe(): void {
    this.subscribes += 1
  }
  unsubscribe(): void {}
}

function start() {
  const made: FakeSubscription[] = []
  let removed = 0
  const sdk = {
    newSubscription: () => {
      const subscription = new FakeSubscription()
      made.push(subscription)
      return subscription as unknown as Subscription
    },
    removeSubscription: () => void (removed += 1),
  } as unknown as Centrifuge
  const channel = new SharedChannel(sdk, 'a', {})
  const say = (data: unknown): void => void made.at(-1)?.emit('publication', { channel: 'a', data })
  const subscribed = (wasRecovering = false, recovered = false): void =>
    void made.at(-1)?.emit('subscribed', { recoverable: true, wasRecovering, recovered })
  return { made, channel, say, subscribed, removed: () => removed }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a channel that is shared', () => {
  it('is subscribed by the first holder and left with the last, however they come and go within a turn', async () => {
    const { made, channel, removed } = start()
    const leave = [channel.hold({}), channel.hold({})]
    leave[0]?.()
    leave[0]?.()
    await turn()
    expect([made.length, removed(), channel.holderCount]).toEqual([1, 0, 1])
    leave[1]?.()
    const back = channel.hold({})
    await turn()
    expect([made.length, removed()]).toEqual([1, 0])
    back()
    await turn()
    expect([made.length, removed(), channel.state.get()]).toEqual([1, 1, { kind: 'idle' }])
    expect(made[0]?.eventNames()).toEqual([])
  })

  it('tells who has left nothing, also when another one made it leave just now', () => {
    const { channel, say } = start()
    const heard: string[] = []
    let leaveSecond = (): void => {}
    channel.hold({
      onPublication: () => {
        heard.push('first')
        leaveSecond()
      },
    })
    leaveSecond = channel.hold({ onPublication: () => heard.push('second') })
    say(1)
    expect(heard).toEqual(['first'])
  })

  it('tells a gap only where nothing proves that nothing was missed, and never at the first subscribing', () => {
    const { channel, subscribed } = start()
    const gaps: string[] = []
    channel.hold({ onGap: ({ reason }) => gaps.push(reason) })
    subscribed()
    subscribed(true, true)
    expect(gaps).toEqual([])
    subscribed(true, false)
    subscribed(false, false)
    expect(gaps).toEqual(['not-recovered', 'not-recovered'])
  })

  it('asks again for whoever comes after the server has ended it', () => {
    const { made, channel } = start()
    const ends: number[] = []
    channel.hold({ onEnd: ({ number }) => ends.push(number) })
    made[0]?.emit('unsubscribed', { code: 2000, reason: 'server unsubscribe' })
    expect([ends, channel.state.get().kind]).toEqual([[2000], 'ended'])
    channel.hold({})
    expect([made.length, made[0]?.subscribes, channel.state.get().kind]).toEqual([1, 2, 'subscribing'])
  })

  it('is told to nobody and held by nobody once it is closed', () => {
    const { channel, removed } = start()
    const leave = channel.hold({ onEnd: () => expect('told').toBe('nobody') })
    channel.close()
    channel.close()
    leave()
    expect(removed()).toBe(1)
    expect(() => channel.hold({})).toThrow('make another one')
  })
})
