import type { Publication } from '@natter/protocol'
import type { Choice } from '../channels/choice.js'
import type { Wire } from './wire.js'

/**
 * Publications as one subscriber is shown them, beside those that its topics bring: without those that its filter leaves out, and in
 * the form that who negotiated delta reads, whole. [8] [14]
 */
export function shownTo(
  { wire }: { readonly wire: Wire },
  { choice }: { readonly choice?: Choice | undefined },
  publications: readonly Publication[],
): readonly Publication[] {
  switch (choice?.kind) {
    case undefined:
      return publications
    case 'filter':
      return publications.filter(({ tags }) => choice.matches(tags))
    case 'delta':
      // bytes that are no JSON stay so: whoever can't be shown them is closed for it
      return publications.map((pub) =>
        pub.isBinary === true ? pub : { ...pub, data: wire.codec.deltaData(pub.data) },
      )
  }
}
