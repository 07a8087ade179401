/** What takes somebody's way in back. Answered when it is written down; it holds on every gateway from then on. Times are seconds. */
import { z } from 'zod'
import { defineMethod } from '../method.js'
import { expireAt, nothing } from '../shapes.js'

const user = z.string().min(1).describe('The id of a user.')
const end = expireAt
  .optional()
  .describe('Until when it holds, in seconds since 1970; 0 or absent = for good.')

const msOf = (seconds = 0): number | undefined => (seconds === 0 ? undefined : seconds * 1_000)

export const blockUser = defineMethod({
  summary: 'Closes the connections of a user, and lets none in until it is unblocked.',
  params: z.object({ user, expire_at: end }),
  result: nothing,
  handle: async ({ services }, params) => {
    await services.revoker.blockUser(params.user, msOf(params.expire_at))
    return {}
  },
})

export const unblockUser = defineMethod({
  summary: 'Lets a blocked user in again.',
  params: z.object({ user }),
  result: nothing,
  handle: async ({ services }, params) => {
    await services.revoker.unblockUser(params.user)
    return {}
  },
})

export const revokeToken = defineMethod({
  summary: 'Ends what a token let in, and believes it no more.',
  params: z.object({ uid: z.string().min(1).describe('The token’s jti.'), expire_at: end }),
  result: nothing,
  handle: async ({ services }, params) => {
    await services.revoker.revokeToken(params.uid, msOf(params.expire_at))
    return {}
  },
})

export const invalidateUserTokens = defineMethod({
  summary: 'Ends what tokens of a user let in that were issued before a moment, and believes them no more.',
  params: z.object({
    user,
    issued_before: z
      .int()
      .min(0)
      .optional()
      .describe('Tokens issued before that, in seconds since 1970; 0 or absent = before now.'),
    expire_at: end,
  }),
  result: nothing,
  handle: async ({ services }, params) => {
    const [issuedBeforeMs, expiresAtMs] = [msOf(params.issued_before), msOf(params.expire_at)]
    await services.revoker.invalidateUserTokens(params.user, {
      ...(issuedBeforeMs === undefined ? {} : { issuedBeforeMs }),
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    })
    return {}
  },
})
