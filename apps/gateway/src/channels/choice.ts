import type { Matches } from '@natter/protocol'

/**
 * How a subscriber wants its publications; none = as they are. They exclude each other: a patch is made of the publication before, and
 * a filter may have left that out. [8] [14]
 */
export type Choice =
  /** What changed, where the publication may be told so. Without `takesPatches` it knows no position: all come whole, in that form. */
  | { readonly kind: 'delta'; readonly takesPatches: boolean }
  /** Those that match. */
  | { readonly kind: 'filter'; readonly matches: Matches }

/** Shared: every such subscription keeps one. */
const deltas = {
  patches: Object.freeze({ kind: 'delta', takesPatches: true }),
  whole: Object.freeze({ kind: 'delta', takesPatches: false }),
} as const

export const deltaChoice = (takesPatches: boolean): Choice => (takesPatches ? deltas.patches : deltas.whole)
