/** Who says whether a client may subscribe. */
import { canAskSubscribe, canSubscribe, maySubscribe, type Permission, type Question } from './permissions.js'

/** Who says yes: a rule has, or one of these will. */
export type Judge = 'rule' | 'token' | 'app'

/** Who there is beside the rules. */
export interface Judges {
  /** A token came with the command, and there are keys to believe it. */
  canBelieve: boolean
  /** Who answers for the namespace: an app, an address over HTTP, or nobody. */
  asked: 'app' | 'address' | undefined
}

/** In this order: a token, the users in the name, who is asked, the rules. [13.3] `permission` is what holds before the judge is heard. */
export function judgeSubscribe(
  question: Question,
  { canBelieve, asked }: Judges,
): { judge: Judge; permission: Permission } {
  if (canBelieve) return { judge: 'token', permission: canSubscribe(question) }
  const permission = asked === undefined ? 'itself' : canAskSubscribe(question, asked)
  if (permission === 'itself') return { judge: 'rule', permission: maySubscribe(question) }
  return { judge: 'app', permission }
}
