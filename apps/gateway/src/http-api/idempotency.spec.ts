import { describe, expect, it } from '@jest/globals'
import { encodeMeta, MemoryBroker, MemoryMesh } from '@natter/broker'
import { UnavailableError, UnknownOutcomeError } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import fc from 'fast-check'
import { Idempotency, type PublishResult } from './idempotency.js'

type Calls = 'state' | 'put' | 'get' | 'read' | 'append'

const startMesh = () => {
  const clock = new ManualClock(1_000_000)
  const mesh = new MemoryMesh()
  const sent: string[] = []

  /** A gateway; `dies` says after or before which of its calls to the mesh, counted from 1. */
  const gateway = (dies?: { at: number; isDone: boolean }) => {
    const real = new MemoryBroker(mesh, clock)
    let calls = 0
    const lived = async <T>(_: Calls, call: () => Promise<T>): Promise<T> => {
      calls += 1
      if (dies !== undefined && calls > dies.at) return new Promise<T>(() => {}) // it is dead
      if (dies?.at !== calls) return call()
      if (dies.isDone) await call()
      throw new UnknownOutcomeError('append-unknown', 'It died')
    }
    const broker = {
      route: (namespace: string, channel: string) => real.route(namespace, channel),
      log: {
        state: (stream: string) => lived('state', () => real.log.state(stream)),
        read: (...args: Parameters<MemoryBroker['log']['read']>) =>
          lived('read', () => real.log.read(...args)),
      },
      idempotency: {
        get: (key: string) => lived('get', () => real.idempotency.get(key)),
        put: (...args: Parameters<MemoryBroker['idempotency']['put']>) =>
          lived('put', () => real.idempotency.put(...args)),
      },
    } as unknown as MemoryBroker
    const idempotency = new Idempotency({ broker, clock })
    const publish = (channel: string, key: string, isKept = true): Promise<PublishResult> =>
      idempotency.once({ namespace: 'room', channel, key, isKept }, async (messageId) => {
        if (!isKept) {
          await lived('append', async () => void sent.push(channel))
          return {}
        }
        const { subject, epoch } = real.route('room', channel)
        const options = { messageId, meta: encodeMeta({ kind: 'json', messageId }) }
        const { seq } = await lived('append', () => real.log.append(subject, Buffer.from('1'), options))
        return { offset: seq, epoch }
      })
    return { publish }
  }

  const stream = () => mesh.stream(mesh.topology.streams[0]?.name ?? '')
  return {
    clock,
    mesh,
    gateway,
    sent,
    stored: () => stream().messages.length,
    /** What the stream's window does. */
    forgetIds: () => stream().messageIds.clear(),
  }
}

describe('a publication with a key', () => {
  it('is stored once, and a repeat hears what was answered first, on whichever gateway (ID1)', async () => {
    const { gateway, stored } = startMesh()
    const [a, b] = [gateway(), gateway()]
    const first = await a.publish('room:a', 'k')
    expect(first).toEqual({ offset: 1, epoch: expect.any(String) })
    expect(await a.publish('room:a', 'k')).toEqual(first)
    expect(await b.publish('room:a', 'k')).toEqual(first)
    expect(stored()).toBe(1)
  })

  it('is another one in another channel, and under another key', async () => {
    const { gateway, stored } = startMesh()
    const { publish } = gateway()
    await Promise.all([publish('room:a', 'k'), publish('room:b', 'k'), publish('room:a', 'l')])
    expect(stored()).toBe(3)
  })

  it('is stored once by many who send it at the same time, on one gateway or on two (ID1, ID5)', async () => {
    const { gateway, stored } = startMesh()
    const [a, b] = [gateway(), gateway()]
    const all = await Promise.all([a, b, a, b, b, a].map(({ publish }) => publish('room:a', 'k')))
    expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(1)
    expect(stored()).toBe(1)
  })

  it('is remembered for five minutes, also where the stream has long forgotten its id', async () => {
    const { gateway, stored, clock, forgetIds } = startMesh()
    const { publish } = gateway()
    const first = await publish('room:a', 'k')
    clock.advance(299_000)
    forgetIds()
    expect(await publish('room:a', 'k')).toEqual(first)
    clock.advance(2_000)
    expect(await publish('room:a', 'k')).not.toEqual(first)
    expect(stored()).toBe(2)
  })

  it('is never stored twice nor told a wrong place, wherever a gateway dies, and however late it is repeated (ID2, ID3)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 0, max: 3 }),
        async (at, isDone, isLate, others) => {
          const { gateway, stored, clock, forgetIds } = startMesh()
          const one = gateway()
          for (let other = 0; other < others; other += 1) await one.publish('room:a', `other ${other}`)
          const dying = gateway({ at, isDone })
          const told = await Promise.race([
            dying.publish('room:a', 'k').catch(() => undefined),
            new Promise<undefined>((resolve) => setImmediate(() => setImmediate(() => resolve(undefined)))),
          ])
          if (isLate) {
            forgetIds()
            clock.advance(200_000)
          }
          const first = await gateway().publish('room:a', 'k')
          const again = await gateway().publish('room:a', 'k')
          expect(again).toEqual(first)
          if (told !== undefined) expect(first).toEqual(told)
          expect(stored()).toBe(others + 1)
          expect(first.offset).toBe(others + 1)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('that is only passing is sent once, or not at all; what was certainly not sent may be sent again (ID4)', async () => {
    const { gateway, sent } = startMesh()
    const [a, b] = [gateway(), gateway()]
    const all = await Promise.all([a, b, a].map(({ publish }) => publish('room:a', 'k', false)))
    expect([all, sent.length]).toEqual([[{}, {}, {}], 1])
    const { clock, mesh } = startMesh()
    const broker = new MemoryBroker(mesh, clock)
    const idempotency = new Idempotency({ broker, clock })
    const target = { namespace: '', channel: 'a', key: 'k', isKept: false }
    const away = () => Promise.reject(new UnavailableError('nats-away', 'Away'))
    await expect(idempotency.once(target, away)).rejects.toThrow(UnavailableError)
    let times = 0
    const send = () => Promise.resolve(((times += 1), {}))
    await idempotency.once(target, send)
    await idempotency.once(target, send)
    expect(times).toBe(1)
  })

  it('waits for the stream that says its id is being stored at this moment', async () => {
    const { clock, mesh } = startMesh()
    const idempotency = new Idempotency({ broker: new MemoryBroker(mesh, clock), clock })
    let tries = 0
    const send = () => {
      tries += 1
      return tries < 3
        ? Promise.reject(new UnknownOutcomeError('append-unknown', 'In flight'))
        : Promise.resolve({ offset: 7, epoch: 'e' })
    }
    const done = idempotency.once({ namespace: 'room', channel: 'room:a', key: 'k', isKept: true }, send)
    await clock.advanceAsync(200)
    await clock.advanceAsync(200)
    expect(await done).toEqual({ offset: 7, epoch: 'e' })
  })

  it('is not stored by a gateway that stood still since it looked: another may have stored it, and the stream forgotten', async () => {
    const { clock, mesh } = startMesh()
    const real = new MemoryBroker(mesh, clock)
    const put: MemoryBroker['idempotency']['put'] = async (...args) => {
      const revision = await real.idempotency.put(...args)
      clock.advance(20_000)
      return revision
    }
    const get: MemoryBroker['idempotency']['get'] = (key) => real.idempotency.get(key)
    const broker = {
      route: (namespace: string, channel: string) => real.route(namespace, channel),
      log: real.log,
      idempotency: { get, put },
    }
    const idempotency = new Idempotency({ broker, clock })
    const send = () => Promise.resolve({ offset: 1, epoch: 'e' })
    const target = { namespace: 'room', channel: 'room:a', key: 'k', isKept: true }
    await expect(idempotency.once(target, send)).rejects.toMatchObject({ code: 'stood-still' })
  })
})
