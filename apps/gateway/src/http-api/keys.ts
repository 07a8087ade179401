/** Who may ask: by a key, shown in one of three ways. Neither a key nor what was shown in its place is told to anybody. */
import type { RequestHead } from '@natter/transport'
import { createHash, timingSafeEqual } from 'node:crypto'

const digest = (key: string): Buffer => createHash('sha256').update(key, 'utf8').digest()

/** What the request shows; the first form that is there counts. */
export function shownKey({ headers, query }: Pick<RequestHead, 'headers' | 'query'>): string | undefined {
  const named = headers['x-api-key']
  if (named !== undefined) return named
  const [, scheme = '', key] = /^(\S+)\s+(\S+)\s*$/.exec(headers['authorization'] ?? '') ?? []
  if (scheme.toLowerCase() === 'apikey') return key
  return new URLSearchParams(query).get('api_key') ?? undefined
}

/** Compares in a time that says nothing of the keys. */
export function keyCheck(keys: readonly string[]): (shown: string | undefined) => boolean {
  const digests = keys.map(digest)
  return (shown) => {
    if (shown === undefined) return false
    const candidate = digest(shown)
    let isKnown = false
    for (const one of digests) isKnown = timingSafeEqual(one, candidate) || isKnown // all, whichever fits
    return isKnown
  }
}
