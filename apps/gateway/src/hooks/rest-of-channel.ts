/**
 * Apps match what follows a channel's namespace against the paths of their handlers. They know the usual signs; in a mesh with others they
 * are told what follows.
 */
import { usualSigns, type ChannelGrammar, type ChannelSigns } from '@natter/protocol'
import type { Hooks } from './hooks.js'

const signs = Object.keys(usualSigns) as (keyof ChannelSigns)[]

export function tellingRest(hooks: Hooks, grammar: ChannelGrammar): Hooks {
  if (signs.every((sign) => grammar[sign] === usualSigns[sign])) return hooks
  const withRest = <T extends object>(asked: T): T =>
    'channel' in asked && typeof asked.channel === 'string'
      ? { ...asked, rest: grammar.parse(asked.channel).rest }
      : asked
  return {
    isDemanded: (kind, namespace) => hooks.isDemanded(kind, namespace),
    demandsConnection: (kind) => hooks.demandsConnection(kind),
    rpcState: (method) => hooks.rpcState(method),
    ask: (request) => hooks.ask(withRest(request)),
    wants: (kind, namespace) => hooks.wants(kind, namespace),
    tell: (event) => hooks.tell(withRest(event)),
    resume: () => hooks.resume(),
  }
}
