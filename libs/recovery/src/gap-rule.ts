/**
 * The gap rule, once per channel and node.
 *
 * - `duplicate`: at or below `last`: it was delivered, or was covered when the channel opened.
 * - `next`: its predecessor is `last`, or lies below it because older messages were removed or the channel opened at the
 *   top of a stream in which it had none.
 * - `gap`: its predecessor is above `last`: something between was not seen.
 */
export type GapVerdict = 'duplicate' | 'next' | 'gap'

export function judge(last: number, message: { readonly seq: number; readonly prev: number }): GapVerdict {
  if (message.seq <= last) return 'duplicate'
  return message.prev > last ? 'gap' : 'next'
}
