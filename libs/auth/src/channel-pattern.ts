/**
 * The expression that the names of a namespace have to match (`channel_regex`): found anywhere in what follows the namespace, unless it says
 * `^` and `$`.
 *
 * CP1. Names come from strangers, and the engine of this language goes back: `^(a+)+$` keeps it for half a minute with 29 letters. So what can
 *      be walked in linear time is (linear-pattern.ts). What is more than that, look-around or `\p{L}`, is left to the engine: it is for whoever
 *      writes it to see that nothing in it is repeated twice over.
 * CP2. Each command asks, and most speak of few channels: their verdicts are remembered.
 */
import { compilePattern, type LinearPattern } from '@natter/protocol'

export interface ChannelPattern {
  test(text: string): boolean
}

/** Some hundred bytes each. */
const maxKnown = 1_000

/** @throws SyntaxError it is no expression. */
export function channelPattern(source: string): ChannelPattern {
  const regex = new RegExp(source, 'u')
  const linear = linearOf(source)
  if (linear === undefined) return regex
  const known = new Map<string, boolean>()
  return {
    test(text) {
      const present = known.get(text)
      if (present !== undefined) return present
      const verdict = linear.matches(text)
      if (known.size >= maxKnown) known.clear()
      known.set(text, verdict)
      return verdict
    },
  }
}

/** CP1. It speaks of whole texts. */
function linearOf(source: string): LinearPattern | undefined {
  try {
    return compilePattern(`.*(?:${source}).*`)
  } catch {
    return undefined
  }
}
