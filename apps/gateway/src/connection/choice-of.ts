/** How a client asks for its publications otherwise than as they are. [8] [14] */
import type { Features, Namespace } from '@natter/auth'
import { checkFilter, compileFilter, Errors, type SubscribeRequest } from '@natter/protocol'
import { deltaChoice, type Choice } from '../channels/choice.js'
import { CommandError } from './command-error.js'

/**
 * Undefined: as they are, also where it asked for delta and the namespace has none of it.
 *
 * @throws CommandError 107 it asks for a filter that the namespace doesn't take or that makes no sense, or for both.
 */
export function choiceOf(
  namespace: Namespace,
  features: Features,
  { tf, delta = '' }: Pick<SubscribeRequest, 'tf' | 'delta'>,
): Choice | undefined {
  if (tf !== undefined) {
    const isRefused = !namespace.allowsTagsFilter || delta !== '' || checkFilter(tf) !== undefined
    if (isRefused) throw new CommandError(Errors.badRequest)
    return { kind: 'filter', matches: compileFilter(tf) }
  }
  if (delta !== 'fossil' || !namespace.allowsDelta) return undefined
  return deltaChoice(namespace.isDurable && features.positioned)
}
