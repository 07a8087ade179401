import { afterEach, describe, expect, it } from '@jest/globals'
import { ManualClock } from '@natter/testing'
import fc from 'fast-check'
import { PublishQueue, type Attempt, type Outgoing, type Published } from './publish-queue.js'

const word = (error: unknown): unknown => (error as { code?: unknown }).code

/** Attempts that the test answers. */
class Server {
  readonly attempts: { outgoing: Outgoing; answer: (attempt: Attempt) => void }[] = []
  readonly send = (outgoing: Outgoing): Promise<Attempt> =>
    new Promise((answer) => void this.attempts.push({ outgoing, answer }))

  get asked(): unknown[] {
    return this.attempts.map(({ outgoing }) => outgoing.data)
  }
}

const stored = (offset = 1): Attempt => ({ kind: 'stored', published: { position: { offset, epoch: 'e' } } })
const again: Attempt = { kind: 'again' }
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the publish queue', () => {
  const clock = new ManualClock()
  let queue: PublishQueue
  let server: Server

  const start = (options: { maxWaiting?: number; repeatForMs?: number } = {}): void => {
    server = new Server()
    queue = new PublishQueue({ send: server.send, clock, random: () => 1, ...options })
  }
  const push = (data: unknown, channel = 'a'): Promise<Published> =>
    queue.push({ channel, data, key: `key of ${String(data)}` })

  afterEach(() => queue.end())

  it('sends nothing before there is a connection, and then what waited, in order, one at a time', async () => {
    start()
    const both = [push(1), push(2)]
    expect(server.asked).toEqual([])
    queue.open()
    expect(server.asked).toEqual([1])
    server.attempts[0]?.answer(stored(5))
    expect(await both[0]).toEqual({ position: { offset: 5, epoch: 'e' } })
    expect(server.asked).toEqual([1, 2])
    server.attempts[1]?.answer(stored())
    await both[1]
  })

  it('does not let one channel hold back another', () => {
    start()
    queue.open()
    void push(1, 'a').catch(() => {})
    void push(2, 'b').catch(() => {})
    expect(server.asked).toEqual([1, 2])
  })

  it('repeats under the same key what was not answered, before what came after it', async () => {
    start()
    queue.open()
    void push(1).catch(() => {})
    void push(2).catch(() => {})
    queue.pause()
    server.attempts[0]?.answer(again)
    await tick()
    expect(server.asked).toEqual([1])
    queue.open()
    expect(server.asked).toEqual([1, 1])
    expect(server.attempts[1]?.outgoing.key).toBe(server.attempts[0]?.outgoing.key)
  })

  it('waits longer each time while the server says not now, and not at all after a reconnect', async () => {
    start()
    queue.open()
    void push(1).catch(() => {})
    for (const waitMs of [200, 400, 800]) {
      server.attempts.at(-1)?.answer(again)
      await tick()
      const before = server.attempts.length
      clock.advance(waitMs - 1)
      expect(server.attempts.length).toBe(before)
      clock.advance(1)
      expect(server.attempts.length).toBe(before + 1)
    }
    server.attempts.at(-1)?.answer(again)
    await tick()
    queue.pause()
    queue.open()
    expect(server.attempts.length).toBe(5)
  })

  it('goes on behind one that was refused for good', async () => {
    start()
    queue.open()
    const [bad, good] = [push(1), push(2)]
    server.attempts[0]?.answer({ kind: 'refused', error: new Error('no') })
    await expect(bad).rejects.toThrow('no')
    server.attempts[1]?.answer(stored())
    expect(await good).toEqual({ position: { offset: 1, epoch: 'e' } })
  })

  it('gives up on what was sent before the server forgets its key, since it could be stored twice; what was never sent stays', async () => {
    start({ repeatForMs: 1_000 })
    queue.open()
    const [sent, waiting] = [push(1), push(2)]
    queue.pause()
    server.attempts[0]?.answer(again)
    await tick()
    clock.advance(1_000)
    expect(word(await sent.catch((error: unknown) => error))).toBe('publish-outcome-unknown')
    clock.advance(1_000_000)
    queue.open()
    expect(server.asked).toEqual([1, 2])
    server.attempts[1]?.answer(stored())
    await waiting
  })

  it('lets nothing overtake one that it gave up on and that is still under way', async () => {
    start({ repeatForMs: 1_000 })
    queue.open()
    const sent = push(1)
    void push(2).catch(() => {})
    clock.advance(1_000)
    await expect(sent).rejects.toThrow(/may be stored/)
    expect(server.asked).toEqual([1])
    server.attempts[0]?.answer(stored())
    await tick()
    expect(server.asked).toEqual([1, 2])
  })

  it('is bounded: what comes when it is full is refused at once, and certainly not sent', async () => {
    start({ maxWaiting: 2 })
    void push(1).catch(() => {})
    void push(2, 'b').catch(() => {})
    expect(word(await push(3).catch((error: unknown) => error))).toBe('queue-full')
    expect(queue.size).toBe(2)
  })

  it.each([
    ['at the end', (): void => queue.end(), 'client-closed'],
    ['when the server has ended the connection', (): void => queue.abandon(), 'connection-ended'],
  ])(
    'tells everybody %s, who was sent and who was not, and leaves no timer',
    async (_when, act, expected) => {
      start()
      queue.open()
      const all = [push(1), push(2), push(3, 'b')].map((one) => one.catch(word))
      act()
      expect(await Promise.all(all)).toEqual(['publish-outcome-unknown', expected, 'publish-outcome-unknown'])
      expect(queue.size).toBe(0)
      expect(clock.pendingTimers).toBe(0)
    },
  )

  it('begins anew after the server has ended a connection, and takes nothing after its own end', async () => {
    start()
    queue.abandon()
    const later = push(1)
    queue.open()
    server.attempts[0]?.answer(stored())
    await later
    queue.end()
    expect(word(await push(2).catch((error: unknown) => error))).toBe('client-closed')
  })

  it('waits for the subscription that may permit it, without time running out: nothing was sent', async () => {
    server = new Server()
    let isHeld = true
    queue = new PublishQueue({ send: server.send, clock, isHeld: (channel) => isHeld && channel === 'a' })
    queue.open()
    const held = push(1, 'a')
    void push(2, 'b').catch(() => {})
    expect(server.asked).toEqual([2])
    clock.advance(1_000_000)
    isHeld = false
    queue.nudge('a')
    queue.nudge('nobody')
    server.attempts.find(({ outgoing }) => outgoing.channel === 'a')?.answer(stored())
    await held
  })

  it('says when everything has been answered', async () => {
    start()
    await queue.whenEmpty()
    queue.open()
    void push(1)
    const empty = queue.whenEmpty()
    server.attempts[0]?.answer(stored())
    await empty
    expect(queue.size).toBe(0)
  })
})

type Fate = 'stored' | 'stored, answer lost' | 'lost' | 'not now' | 'refused'
type Step =
  | { kind: 'push'; channel: 'a' | 'b' }
  | { kind: 'answer'; fate: Fate }
  | { kind: 'cut' }
  | { kind: 'back' }
  | { kind: 'wait'; ms: number }

const fate = fc.constantFrom<Fate>('stored', 'stored', 'stored, answer lost', 'lost', 'not now', 'refused')
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('push' as const),
      channel: fc.constantFrom('a' as const, 'b' as const),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('answer' as const), fate }) },
  fc.record({ kind: fc.constant('cut' as const) }),
  fc.record({ kind: fc.constant('back' as const) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 2_000 }) }),
)

/** A server that stores each key once, as the real one does. */
class Log {
  readonly channels = new Map<string, Outgoing[]>()

  store(outgoing: Outgoing): Attempt {
    const log = this.channels.get(outgoing.channel) ?? []
    this.channels.set(outgoing.channel, log)
    const known = log.findIndex(({ key }) => key === outgoing.key)
    if (known === -1) log.push(outgoing)
    return stored((known === -1 ? log.length - 1 : known) + 1)
  }
}

describe('whatever the network does', () => {
  it('each publication is stored once and in order, and each promise is settled once and says what is so', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const [clock, log, server] = [new ManualClock(), new Log(), new Server()]
        const queue = new PublishQueue({ send: server.send, clock, random: () => 0.5 })
        const promises: { outgoing: Outgoing; outcome: Promise<Published | Error> }[] = []
        const refused = new Set<string>()
        let answered = 0
        const answer = (what: Fate): void => {
          const attempt = server.attempts[answered]
          if (attempt === undefined) return
          answered += 1
          const { outgoing } = attempt
          if (what === 'refused') {
            refused.add(outgoing.key)
            attempt.answer({ kind: 'refused', error: new Error('refused') })
          } else if (what === 'stored') attempt.answer(log.store(outgoing))
          else {
            if (what === 'stored, answer lost') log.store(outgoing)
            attempt.answer(again)
          }
        }
        for (const one of steps) {
          if (one.kind === 'push') {
            const outgoing = { channel: one.channel, data: promises.length, key: `k${promises.length}` }
            const outcome = queue.push(outgoing).catch((error: unknown) => error as Error)
            promises.push({ outgoing, outcome })
          } else if (one.kind === 'answer') answer(one.fate)
          else if (one.kind === 'cut') queue.pause()
          else if (one.kind === 'back') queue.open()
          else clock.advance(one.ms)
          await Promise.resolve()
          await Promise.resolve()
        }
        queue.open()
        while (queue.size > 0) {
          answer('stored')
          await tick()
          clock.advance(5_000)
        }
        const outcomes = await Promise.all(promises.map(({ outcome }) => outcome))
        for (const [channel, kept] of log.channels) {
          const keys = kept.map(({ key }) => key)
          expect(new Set(keys).size).toBe(keys.length)
          expect(kept.map(({ data }) => data)).toEqual(
            kept.map(({ data }) => data).toSorted((a, b) => Number(a) - Number(b)),
          )
          for (const [index, { outgoing }] of promises.entries()) {
            if (outgoing.channel !== channel) continue
            const outcome = outcomes[index]
            if (outcome instanceof Error)
              expect(refused.has(outgoing.key) || word(outcome) === 'publish-outcome-unknown').toBe(true)
            else expect(outcome?.position?.offset).toBe(keys.indexOf(outgoing.key) + 1)
          }
        }
        queue.end()
        expect(clock.pendingTimers).toBe(0)
      }),
    )
  })
})
