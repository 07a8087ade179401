/**
 * Who I am, as the messenger's server says it: it signs the token that the gateways check.
 */
export interface Session {
  token: string
  user: string
  name: string
}

export type SignIn =
  | { kind: 'signed-in'; session: Session }
  /** The server answered and said no: the name must change. */
  | { kind: 'refused'; message: string }
  /** Nobody answered: the name may be fine. */
  | { kind: 'unreachable' }

export async function signIn(name: string): Promise<SignIn> {
  const response = await fetch('session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  }).catch(() => undefined)
  if (!response || response.status >= 500) return { kind: 'unreachable' }
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok && isSession(body)) return { kind: 'signed-in', session: body }
  return { kind: 'refused', message: messageOf(body) ?? 'This name cannot be used.' }
}

/** The gateways' addresses; undefined when the messenger's server does not answer. */
export async function fetchGateways(): Promise<readonly string[] | undefined> {
  const response = await fetch('config.json').catch(() => undefined)
  const body: unknown = await response?.json().catch(() => undefined)
  if (typeof body !== 'object' || body === null || !('gateways' in body)) return undefined
  const { gateways } = body
  return Array.isArray(gateways) && gateways.every((url) => typeof url === 'string') ? gateways : undefined
}

function isSession(body: unknown): body is Session {
  if (typeof body !== 'object' || body === null) return false
  const { token, user, name } = body as Partial<Session>
  return typeof token === 'string' && typeof user === 'string' && typeof name === 'string'
}

function messageOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('message' in body)) return undefined
  return typeof body.message === 'string' ? body.message : undefined
}
