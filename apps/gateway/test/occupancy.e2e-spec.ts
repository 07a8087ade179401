import { describe, expect, it } from '@jest/globals'
import type { HookEvent } from '@natter/hooks'
import { natsBench } from './bench.js'
import { FakeApp } from './fake-app.js'

describe('which channels have subscribers, as apps hear it from gateways on a real NATS', () => {
  const bench = natsBench()

  it('is told at the first one and after the last one of the whole mesh, and of no other namespace', async () => {
    const app = new FakeApp({}, ['occupied room', 'vacated room'])
    const [a, b] = [await bench.start({ hooks: app }), await bench.start({ hooks: app })]
    const told = (): string[] =>
      app.told.map((event: HookEvent) => `${event.kind} ${'channel' in event ? event.channel : ''}`)
    const until = async (count: number): Promise<void> => {
      while (app.told.length < count) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const [ana, ben] = [await bench.connect(a), await bench.connect(b)]
    await ana.call('subscribe', { channel: 'deep:a' })
    await ana.call('subscribe', { channel: 'room:a' })
    await until(1)
    await ben.call('subscribe', { channel: 'room:a' })
    await ben.call('subscribe', { channel: 'room:b' })
    await until(2)
    await ana.call('unsubscribe', { channel: 'room:a' })
    ben.end()
    await until(4)
    expect(told().slice(0, 2)).toEqual(['occupied room:a', 'occupied room:b'])
    expect(told().slice(2).toSorted()).toEqual(['vacated room:a', 'vacated room:b'])
    const { journal, subjects } = a.broker
    while ((await journal.subjects(subjects.allOccupancy)).length > 0); // nothing is kept of them
    expect(app.told).toHaveLength(4)
  }, 30_000)
})
