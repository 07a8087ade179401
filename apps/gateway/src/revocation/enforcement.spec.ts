import { describe, expect, it } from '@jest/globals'
import { subjectOf } from './enforcement.js'

describe('about whom revocations are asked', () => {
  it('is by a token only who came by one: tokens that are taken back say nothing of whom an app let in', () => {
    const identity = { user: 'ana', expiresAtMs: undefined }
    expect(subjectOf({ ...identity, app: {} }).isByToken).toBe(false)
    expect(subjectOf({ ...identity, tokenId: 'id', issuedAtMs: 1 })).toEqual({
      user: 'ana',
      isByToken: true,
      tokenId: 'id',
      issuedAtMs: 1,
    })
  })
})
