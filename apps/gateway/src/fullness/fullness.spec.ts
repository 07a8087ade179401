import { describe, expect, it } from '@jest/globals'
import type { StreamState } from '@natter/broker'
import { TypedEvents, UnavailableError } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import type { GatewayEvents } from '../gateway.events.js'
import { Fullness } from './fullness.js'

/** Two streams whose fullness a test sets; looks are answered at once, or held. */
function start(share = 0) {
  const clock = new ManualClock()
  const events = new TypedEvents<GatewayEvents>()
  const told: string[] = []
  events.on('stream:level', ({ stream, before, level }) => told.push(`${stream} ${before} → ${level}`))
  const mesh = { share, isAway: false, looks: 0, inFlight: 0, hold: undefined as Promise<void> | undefined }
  const state = async (stream: string): Promise<StreamState> => {
    mesh.looks += 1
    mesh.inFlight += 1
    await mesh.hold
    mesh.inFlight -= 1
    if (mesh.isAway) throw new UnavailableError('nats-away', 'away')
    const bytes = stream === 'A' ? mesh.share * 1_000 : 0
    return { created: '', firstSeq: 1, lastSeq: 1, messages: 1, bytes, maxBytes: 1_000, onFull: 'refuse' }
  }
  const broker = { streams: ['A', 'B'], log: { state } } as unknown as ConstructorParameters<
    typeof Fullness
  >[0]
  const fullness = new Fullness(broker, clock, events, () => 0.5)
  fullness.start()
  return { clock, mesh, fullness, told, events }
}

describe('the watch over streams', () => {
  it('refuses for the stream that is nearly full, and for no other', async () => {
    const { clock, mesh, fullness, told } = start(0.95)
    expect(fullness.isRefusing('A')).toBe(false) // F2: nothing is known yet
    await clock.advanceAsync(0)
    expect([fullness.isRefusing('A'), fullness.isRefusing('B'), fullness.isRefusing('C')]).toEqual([
      true,
      false,
      false,
    ])
    mesh.share = 0.87
    await clock.advanceAsync(250)
    expect(fullness.isRefusing('A')).toBe(false)
    expect(told).toEqual(['A 0 → 90', 'A 90 → 75'])
    fullness.stop()
  })

  it('tells each crossing once, however often it looks (F3)', async () => {
    const { clock, mesh, told } = start()
    for (const share of [0.5, 0.75, 0.9, 1, 0.4]) {
      mesh.share = share
      await clock.advanceAsync(20_000)
    }
    expect(told).toEqual(['A 0 → 50', 'A 50 → 75', 'A 75 → 90', 'A 90 → 100', 'A 100 → 0'])
  })

  it('looks seldom at a calm stream and often at a full one', async () => {
    const { clock, mesh } = start()
    await clock.advanceAsync(10_000)
    expect(mesh.looks).toBe(6) // both, at 0, 5 and 10 s
    mesh.share = 0.9
    await clock.advanceAsync(5_000)
    mesh.looks = 0
    await clock.advanceAsync(5_000)
    expect(mesh.looks).toBe(21) // every 250 ms, and the calm one once
  })

  it('while NATS is away the last known stands, and nothing is told anew when it is back', async () => {
    const { clock, mesh, fullness, told } = start(0.95)
    await clock.advanceAsync(0)
    mesh.isAway = true
    await clock.advanceAsync(60_000)
    expect([fullness.isRefusing('A'), fullness.fills[0]?.share]).toEqual([true, 0.95])
    mesh.isAway = false
    await clock.advanceAsync(1_000)
    expect(told).toEqual(['A 0 → 90'])
  })

  it('a refusal counts at the next look that succeeds, however many fail before', async () => {
    const { clock, mesh, fullness, told } = start(0.95)
    await clock.advanceAsync(0)
    mesh.isAway = true
    fullness.refused('A')
    await clock.advanceAsync(10_000)
    mesh.isAway = false
    await clock.advanceAsync(250)
    expect(told).toEqual(['A 0 → 90', 'A 90 → 100'])
    fullness.stop()
  })

  it('a look that hangs is the only one, also when the stream refuses meanwhile (F1)', async () => {
    const { clock, mesh, fullness, told } = start(0.95)
    await clock.advanceAsync(0)
    let answer = (): void => {}
    mesh.hold = new Promise((resolve) => (answer = resolve))
    mesh.looks = 0
    await clock.advanceAsync(1_000)
    for (let i = 0; i < 100; i += 1) fullness.refused('A')
    await clock.advanceAsync(60_000)
    expect(mesh.inFlight).toBe(2) // one of each stream
    mesh.hold = undefined
    answer()
    await clock.advanceAsync(250)
    expect(told).toEqual(['A 0 → 90', 'A 90 → 100']) // what was refused meanwhile counts at the next look
    fullness.stop()
  })

  it('a stream that refuses by itself is looked at soon, and a flood of refusals is one look', async () => {
    const { clock, mesh, fullness, told } = start(0.3)
    await clock.advanceAsync(1_000)
    mesh.share = 0.97
    mesh.looks = 0
    for (let i = 0; i < 100; i += 1) fullness.refused('A')
    await clock.advanceAsync(250)
    expect(mesh.looks).toBe(1)
    expect(told).toEqual(['A 0 → 100'])
    fullness.refused('of nobody')
  })

  it('a refusal that comes while a calm stream is being looked at is followed by a look soon, not after the calm pause', async () => {
    const { clock, mesh, fullness, told } = start(0.3)
    await clock.advanceAsync(0)
    let answer = (): void => {}
    mesh.hold = new Promise((resolve) => (answer = resolve))
    await clock.advanceAsync(5_000) // the look at 30 % is under way
    fullness.refused('A')
    answer()
    await clock.advanceAsync(0)
    mesh.hold = undefined
    mesh.share = 0.97
    await clock.advanceAsync(300)
    expect(told).toEqual(['A 0 → 100'])
    fullness.stop()
  })

  it('after its stop no timer is left, whatever was due: a process must be able to end', async () => {
    const { clock, fullness } = start()
    await clock.advanceAsync(0)
    expect(clock.pendingTimers).toBe(2)
    fullness.stop()
    expect(clock.pendingTimers).toBe(0)
  })

  it('after its stop nothing is looked at or told any more, also not by a look that was under way', async () => {
    const { clock, mesh, fullness, told } = start()
    await clock.advanceAsync(0)
    let answer = (): void => {}
    mesh.hold = new Promise((resolve) => (answer = resolve))
    await clock.advanceAsync(5_000)
    mesh.share = 1
    fullness.stop()
    answer()
    await clock.advanceAsync(60_000)
    expect([told, clock.pendingTimers]).toEqual([[], 0])
  })
})
