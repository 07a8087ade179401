/** Injection tokens of what is made before Nest starts. */
export const GATEWAYS = Symbol('messenger:gateways')
/** `(outcome) => void`: told of each request for a session. */
export const ON_SESSION = Symbol('messenger:on-session')
export const TOKEN_SECRET = Symbol('messenger:token-secret')
