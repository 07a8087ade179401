import type { Judges } from '@natter/auth'
import type { AllHooks } from './hooks.js'

/** Who is asked whether a client may subscribe in a namespace; undefined = nobody. */
export function whoAnswers(
  hooks: Pick<AllHooks, 'isDemanded' | 'isOverHttp'>,
  namespace: string,
): Judges['asked'] {
  if (!hooks.isDemanded('subscribe', namespace)) return undefined
  return hooks.isOverHttp('subscribe', namespace) ? 'address' : 'app'
}
