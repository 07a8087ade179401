import { describe, expect, it } from '@jest/globals'
import type { RecordsListener } from '@natter/broker'
import { InvalidError, TypedEvents, UnavailableError } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import type { GatewayEvents } from '../gateway.events.js'
import { encodeRevocation, type Revocation } from './revocation.js'
import { Revocations } from './revocations.js'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Revocations whose mesh is the test. */
function create() {
  const clock = new ManualClock(1_000)
  const events = new TypedEvents<GatewayEvents>()
  const did: string[] = []
  let mesh: RecordsListener | undefined
  const revocations = new Revocations({
    records: {
      follow: (listener) => {
        mesh = listener
        return { stop: () => did.push('unfollow') }
      },
    },
    clock,
    events,
    intake: { pause: () => did.push('pause'), resume: () => did.push('resume') },
    enforceOn: (users) => did.push(`on ${[...users].join()}`),
    enforceOnAll: () => did.push('on all'),
  })
  const tell = (revocation: Revocation): void =>
    mesh?.record({ key: 'k', value: encodeRevocation(revocation), revision: 1 })
  const start = async (): Promise<void> => {
    const started = revocations.start()
    mesh?.begin()
    mesh?.caughtUp()
    await started
    did.length = 0
  }
  return {
    revocations,
    clock,
    events,
    did,
    tell,
    start,
    get mesh() {
      if (mesh === undefined) throw new Error('not started')
      return mesh
    },
  }
}

describe('what a gateway knows of revocations', () => {
  it('is all there before its start resolves (RN1)', async () => {
    const world = create()
    let isStarted = false
    const started = world.revocations.start().then(() => (isStarted = true))
    world.mesh.begin()
    world.tell({ kind: 'block', user: 'ana' })
    await nextTurn()
    expect(isStarted).toBe(false)
    world.mesh.caughtUp()
    await started
    expect(world.revocations.verdict({ user: 'ana', isByToken: false })).toBe('blocked')
    expect(world.did).toEqual(['on all'])
    world.revocations.stop()
  })

  it('is not all there where the way is lost before: a gateway that opened then would let in whoever was revoked (RN1)', async () => {
    const world = create()
    let isStarted = false
    const started = world.revocations.start().then(() => (isStarted = true))
    world.mesh.begin()
    world.mesh.away()
    await nextTurn()
    expect(isStarted).toBe(false)
    world.mesh.begin()
    world.mesh.caughtUp()
    await started
    world.revocations.stop()
  })

  it('ends a start that can’t succeed at once, and one that takes too long, with the reason', async () => {
    const hopeless = create()
    const failed = hopeless.revocations.start()
    hopeless.mesh.trouble(new InvalidError('no-room-for-streams', 'no room'))
    await expect(failed).rejects.toMatchObject({ code: 'no-room-for-streams' })
    const slow = create()
    const late = slow.revocations.start()
    slow.mesh.begin()
    slow.mesh.trouble(new UnavailableError('nats-silent', 'no answer'))
    slow.clock.advance(30_000)
    await expect(late).rejects.toMatchObject({ code: 'revocations-unread', cause: { code: 'nats-silent' } })
    expect(slow.did).toContain('unfollow')
  })

  it('holds commands back from the turn of the reconnect until all is read and carried out (RN2)', async () => {
    const world = create()
    await world.start()
    world.mesh.away()
    expect(world.did).toEqual([]) // RN3
    world.mesh.begin()
    expect(world.did).toEqual(['pause'])
    expect(() => world.revocations.demandRead()).toThrow(UnavailableError)
    let hasWaited = false
    void world.revocations.untilRead()?.then(() => (hasWaited = true))
    world.tell({ kind: 'block', user: 'ana' })
    world.mesh.begin() // an attempt that failed, and the next
    world.tell({ kind: 'token', tokenId: 't' })
    await nextTurn()
    expect([hasWaited, ...world.did]).toEqual([false, 'pause'])
    world.mesh.caughtUp()
    expect(world.did).toEqual(['pause', 'on all', 'resume'])
    await nextTurn()
    expect(hasWaited).toBe(true)
    expect(world.revocations.untilRead()).toBeUndefined()
    expect(world.revocations.verdict({ user: 'ana', isByToken: false })).toBe('good') // not told in the last round
    world.revocations.stop()
  })

  it('answers that it can’t be said now when that takes too long, and goes on where it ends (RN2)', async () => {
    const world = create()
    await world.start()
    world.mesh.begin()
    world.clock.advance(3_399)
    expect(world.revocations.isRefusing).toBe(false)
    world.clock.advance(1)
    expect([world.revocations.isRefusing, ...world.did]).toEqual([true, 'pause', 'resume'])
    world.mesh.caughtUp()
    expect(world.revocations.isRefusing).toBe(false)
    world.mesh.begin()
    expect(world.revocations.isRefusing).toBe(false) // each reading has its own patience
    world.mesh.away() // gone again: what is known holds (RN3)
    expect(world.did.at(-1)).toBe('resume')
    world.revocations.stop()
  })

  it('is carried out once a turn on users, and at most ten times a second on all, however many records come (RN5)', async () => {
    const world = create()
    await world.start()
    for (let i = 0; i < 3_000; i += 1) world.tell({ kind: 'token', tokenId: `t${i}` })
    world.tell({ kind: 'block', user: 'ana' })
    world.tell({ kind: 'before', user: 'bo', issuedBeforeMs: 7 })
    expect(world.did).toEqual([])
    await nextTurn()
    expect(world.did).toEqual(['on ana,bo', 'on all'])
    for (let i = 0; i < 50; i += 1) {
      world.tell({ kind: 'token', tokenId: `u${i}` })
      await nextTurn()
    }
    expect(world.did).toHaveLength(2)
    world.clock.advance(100)
    expect(world.did).toEqual(['on ana,bo', 'on all', 'on all'])
    world.revocations.stop()
  })

  it('is carried out at once where the clock was set back: nobody stays for as long as that takes to pass again (RN5)', async () => {
    const world = create()
    await world.start()
    world.tell({ kind: 'token', tokenId: 'a' })
    await nextTurn()
    world.clock.advance(-900)
    world.tell({ kind: 'token', tokenId: 'b' })
    await nextTurn()
    expect(world.did).toEqual(['on all', 'on all'])
    world.revocations.stop()
  })

  it('leaves out a record that it can’t read, and says so: another version may have written it', async () => {
    const world = create()
    await world.start()
    const troubles: unknown[] = []
    world.events.on('revocations:trouble', ({ error }) => troubles.push(error))
    for (const text of ['', 'null', '{"kind":"moon"}', '{"kind":"block"}', '{"kind":"token","tokenId":""}'])
      world.mesh.record({ key: 'k', value: Buffer.from(text), revision: 1 })
    expect(troubles).toHaveLength(5)
    expect(world.revocations.held.size).toBe(0)
    world.revocations.stop()
  })

  it('is swept of what has expired, so that it stays as small as the mesh’s list', async () => {
    const world = create()
    await world.start()
    world.tell({ kind: 'block', user: 'ana', expiresAtMs: 2_000 })
    world.clock.advance(60_000)
    expect(world.revocations.held.size).toBe(0)
    world.revocations.stop()
  })
})
