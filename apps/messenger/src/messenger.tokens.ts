/** Injection tokens of what is made before Nest starts. */
export const GATEWAYS = Symbol('messenger:gateways')
export const TOKEN_SECRET = Symbol('messenger:token-secret')
