/** The record by which one gateway takes over the open sessions of a life that is over: `dead.<node>.<life>`. */
import { encodeName, type Registry } from '@natter/broker'

export interface DeadRecord {
  /** Who replays it, in which life. */
  by: string
  byLife: string
  /** When it was found dead: the same in each repeat. */
  atMs: number
}

export const deadKey = (node: string, life: string): string => `dead.${encodeName(node)}.${encodeName(life)}`

interface Claim {
  key: string
  mine: DeadRecord
  isThere(by: string, byLife: string): boolean
}

/**
 * The record once it is mine: nobody had it, or whoever had it is gone too. Undefined: another one replays it.
 *
 * @throws UnavailableError.
 */
export async function claimDead(
  registry: Registry,
  { key, mine, isThere }: Claim,
): Promise<DeadRecord | undefined> {
  const entry = await registry.get(key)
  if (entry === undefined) return (await registry.create(key, encode(mine))) === undefined ? undefined : mine
  const held = decode(entry.value) ?? mine
  if (held.by === mine.by && held.byLife === mine.byLife) return held
  if (isThere(held.by, held.byLife)) return undefined
  const next = { ...mine, atMs: held.atMs }
  return (await registry.update(key, encode(next), entry.revision)) === undefined ? undefined : next
}

const encode = (record: DeadRecord): Uint8Array => Buffer.from(JSON.stringify(record), 'utf8')

function decode(value: Uint8Array): DeadRecord | undefined {
  try {
    return JSON.parse(Buffer.from(value).toString('utf8')) as DeadRecord
  } catch {
    return undefined
  }
}
