/** Who says whether a client may subscribe. */
import { canAskSubscribe, canSubscribe, maySubscribe, type Permission, type Question } from './permissions.js'

/** Who says yes: a rule has, or one of these will. */
export type Judge = 'rule' | 'token' | 'app'

/** Who there is beside the rules. */
export interface Judges {
  /** A token came with the command, and there are keys to believe it. */
  canBelieve: boolean
  /** An app, or an address over HTTP, answers for the namespace. */
  isAsked: boolean
}

/** In this order: a token, the users in the name, who is asked, the rules. [13.3] `permission` is what holds before the judge is heard. */
export function judgeSubscribe(
  question: Question,
  { canBelieve, isAsked }: Judges,
): { judge: Judge; permission: Permission } {
  if (canBelieve) return { judge: 'token', permission: canSubscribe(question) }
  const permission = isAsked ? canAskSubscribe(question) : 'itself'
  if (permission === 'itself') return { judge: 'rule', permission: maySubscribe(question) }
  return { judge: 'app', permission }
}
