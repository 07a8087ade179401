import type { ApiRequest } from '@natter/hooks'
import type { Revoker } from '../revocation/revoker.js'

export type RevocationRequest = Extract<ApiRequest, { kind: 'block' | 'unblock' | 'revoke' | 'invalidate' }>

/** Resolves when it is written down. @throws InvalidError, UnavailableError, UnknownOutcomeError. */
export async function serveRevocation(
  revoker: Revoker,
  request: RevocationRequest,
): Promise<Record<string, never>> {
  switch (request.kind) {
    case 'block':
      await revoker.blockUser(request.user, request.expiresAtMs)
      break
    case 'unblock':
      await revoker.unblockUser(request.user)
      break
    case 'revoke':
      await revoker.revokeToken(request.tokenId, request.expiresAtMs)
      break
    case 'invalidate':
      await revoker.invalidateUserTokens(request.user, request)
  }
  return {}
}
