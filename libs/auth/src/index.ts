export { HmacTokenVerifier, type HmacTokenVerifierOptions } from './hmac-token-verifier.js'
export { namespaceName, namespaceSchema, type NamespaceOptions } from './namespace.options.js'
export { acceptsData, resolveNamespace, type Allowance, type Namespace } from './namespace.js'
export {
  canAskHistory,
  canAskPresence,
  canAskPublish,
  canAskSubscribe,
  grantFeatures,
  mayHistory,
  mayPresence,
  mayPublish,
  maySubscribe,
  type Features,
  type Permission,
  type Question,
} from './permissions.js'
export { NoTokens, type ConnectionClaims, type TokenVerdict, type TokenVerifier } from './token-verifier.js'
