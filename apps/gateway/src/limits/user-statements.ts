/** What gateways tell each other of users: `{node, users: [[user, 1 = asks, [openedAtMs, id, openedAtMs, id, …]], …]}`. */

export interface Entry {
  readonly openedAtMs: number
  readonly id: string
}

/** All that a node has of a user, the newest as far as they can matter. */
export interface Statement {
  readonly user: string
  /** The others are to say what they have. */
  readonly isQuestion: boolean
  readonly entries: readonly Entry[]
}

interface Statements {
  readonly node: string
  readonly statements: readonly Statement[]
}

export function encodeStatements({ node, statements }: Statements): Uint8Array {
  const users = statements.map(({ user, isQuestion, entries }) => [
    user,
    Number(isQuestion),
    entries.flatMap(({ openedAtMs, id }) => [openedAtMs, id]),
  ])
  return Buffer.from(JSON.stringify({ node, users }))
}

/** Undefined: that is none of ours. */
export function decodeStatements(body: Uint8Array): Statements | undefined {
  try {
    const { node, users } = JSON.parse(Buffer.from(body).toString()) as { node: unknown; users: unknown }
    if (typeof node !== 'string' || !Array.isArray(users)) return undefined
    return { node, statements: users.flatMap(statementOf) }
  } catch {
    return undefined
  }
}

function statementOf(said: unknown): Statement[] {
  const [user, asks, flat] = Array.isArray(said) ? (said as unknown[]) : []
  if (typeof user !== 'string' || !Array.isArray(flat)) return []
  const entries: Entry[] = []
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const [openedAtMs, id] = [flat[at], flat[at + 1]] as unknown[]
    if (typeof openedAtMs === 'number' && typeof id === 'string') entries.push({ openedAtMs, id })
  }
  return [{ user, isQuestion: asks === 1, entries }]
}
