import { describe, expect, it } from '@jest/globals'
import { namespaceSchema, resolveNamespace } from '@natter/auth'
import { z } from 'zod'
import { Subscription } from './subscription.js'

const namespace = resolveNamespace(
  'room',
  namespaceSchema({ duration: z.number() }).parse({ keep: 'stream' }),
)

const features = { positioned: true, recoverable: true, pushesJoinLeave: true }

const pending = (): Subscription =>
  new Subscription('room:a', namespace, { user: 'u', client: 'c' }, features)

describe('a subscription whose channel broke (S3)', () => {
  it('is still seen by others until it ends, where it was in', () => {
    const subscription = pending()
    subscription.replied()
    subscription.joined()
    subscription.broken()
    expect(subscription).toMatchObject({ isBroken: true, isWanted: false, isPresent: true, isGranted: false })
  })

  it('is seen by nobody where it was on its way in: others were never told that it came', () => {
    const subscription = pending()
    subscription.replied()
    subscription.broken()
    expect(subscription).toMatchObject({
      isBroken: true,
      isWanted: false,
      isPresent: false,
      isGranted: false,
    })
    subscription.joined()
    expect(subscription.isPresent).toBe(false)
  })

  it('waits on where nothing was replied: the channel opens anew for it', () => {
    const subscription = pending()
    subscription.broken()
    expect(subscription).toMatchObject({ isBroken: false, isWanted: true, state: 'pending' })
  })
})
