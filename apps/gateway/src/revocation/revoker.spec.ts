import { describe, expect, it } from '@jest/globals'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { TypedEvents } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import type { GatewayEvents } from '../gateway.events.js'
import { decodeRevocation, keyOf } from './revocation.js'
import { maxHeld, Revoker } from './revoker.js'

function create({ size = 0, known = [] as string[] } = {}) {
  const broker = new MemoryBroker(new MemoryMesh())
  const clock = new ManualClock(1_000)
  const events = new TypedEvents<GatewayEvents>()
  const records = broker.revocations
  const held = { size, has: (_: string, name: string) => known.includes(name) }
  const revoker = new Revoker({ records, held, clock, events })
  const before = async (user: string) => {
    const found = await records.get(keyOf('before', user))
    return found && decodeRevocation(found.value)
  }
  return { revoker, records, events, clock, before }
}

describe('taking somebody’s way in back', () => {
  it.each([
    [
      [10, 50],
      [20, 40],
      [20, 50],
    ],
    [
      [20, 40],
      [10, 50],
      [20, 50],
    ],
    [
      [20, undefined],
      [10, 2_000],
      [20, undefined],
    ],
    [
      [20, 2_000],
      [10, undefined],
      [20, undefined],
    ],
  ])(
    'of tokens before a moment counts the later moment and the later end: %j, then %j is %j (RW2)',
    async (one, two, both) => {
      const { revoker, before } = create()
      for (const [issuedBeforeMs = 0, end] of [one, two])
        await revoker.invalidateUserTokens('ana', {
          issuedBeforeMs,
          ...(end === undefined ? {} : { expiresAtMs: end + 1_000 }),
        })
      const [issuedBeforeMs, end] = both
      expect(await before('ana')).toEqual({
        kind: 'before',
        user: 'ana',
        issuedBeforeMs,
        ...(end === undefined ? {} : { expiresAtMs: end + 1_000 }),
      })
    },
  )

  it('of tokens before a moment forgets what has ended, and is now where nothing is said', async () => {
    const { revoker, before, clock } = create()
    await revoker.invalidateUserTokens('ana', { issuedBeforeMs: 9_000, expiresAtMs: 1_500 })
    clock.advance(500)
    await revoker.invalidateUserTokens('ana')
    expect(await before('ana')).toEqual({ kind: 'before', user: 'ana', issuedBeforeMs: 1_500 })
  })

  it('at the same time loses nothing: all that was asked holds (RW2)', async () => {
    const { revoker, before } = create()
    const moments = [5, 3, 9, 7, 1]
    await Promise.all(
      moments.map((issuedBeforeMs) => revoker.invalidateUserTokens('ana', { issuedBeforeMs })),
    )
    expect(await before('ana')).toMatchObject({ issuedBeforeMs: 9 })
  })

  it('is refused where the mesh holds as many as it may, but not of who is held, nor giving back (RW3)', async () => {
    const { revoker } = create({ size: maxHeld, known: ['ana'] })
    const full = { name: 'UnavailableError', code: 'revocations-full' }
    await expect(revoker.blockUser('bo')).rejects.toMatchObject(full)
    await expect(revoker.revokeToken('t')).rejects.toMatchObject(full)
    await expect(revoker.invalidateUserTokens('bo')).rejects.toMatchObject(full)
    await revoker.blockUser('ana')
    await revoker.unblockUser('bo')
  })

  it('is told once it is written down, and not before', async () => {
    const { revoker, events, records } = create()
    const told: unknown[] = []
    events.on('revocation:write', (revocation) => told.push(revocation))
    const put = records.put.bind(records)
    records.put = () => Promise.reject(new Error('away'))
    await expect(revoker.blockUser('ana')).rejects.toThrow('away')
    expect(told).toEqual([])
    records.put = put
    await revoker.blockUser('ana', 2_000)
    expect(told).toEqual([{ kind: 'block', user: 'ana', expiresAtMs: 2_000 }])
  })
})
