export { readAllowed, readCapabilities, shareCapabilities, shareVerbs } from './capabilities.js'
export { namespaceName, namespaceSchema, type NamespaceOptions } from './namespace.options.js'
export { acceptsData, resolveNamespace, type Allowance, type Namespace } from './namespace.js'
export { judgeSubscribe, type Judge, type Judges } from './judge.js'
export { overrideNamespace } from './override.js'
export {
  canAskHistory,
  canAskPresence,
  canAskPublish,
  canAskSubscribe,
  canSubscribe,
  grantFeatures,
  mayHistory,
  mayPresence,
  mayPublish,
  maySubscribe,
  type Features,
  type Permission,
  type Question,
} from './permissions.js'
export { KeySources } from './tokens/key-sources.js'
export { createTokenVerifier, type TokenOptions, type TokenVerifierOptions } from './tokens/jwt-verifier.js'
export {
  isRecord,
  isSaid,
  readPayload,
  readSubscription,
  rawText,
  writtenOf,
  type Written,
} from './tokens/claim-parts.js'
export { parsePublicKey, type PublicKeyKind } from './tokens/public-keys.js'
export {
  NoTokens,
  type ClaimedSubscription,
  type ConnectionClaims,
  type SubscriptionClaims,
  type SubscriptionOverride,
  type TokenVerdict,
  type TokenVerifier,
} from './tokens/token-verifier.js'
