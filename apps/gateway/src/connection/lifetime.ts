/** SDKs turn the ttl into one timer: a year is what all of them can hold. */
const longestTtlSeconds = 365 * 24 * 3600

/** What a client is told of something that it has to refresh. A ttl of 0 would make SDKs refresh in a loop. */
export function ttlOf(expiresAtMs: number | undefined, nowMs: number): { expires?: boolean; ttl?: number } {
  if (expiresAtMs === undefined) return {}
  const ttl = Math.ceil((expiresAtMs - nowMs) / 1000)
  return { expires: true, ttl: Math.min(Math.max(1, ttl), longestTtlSeconds) }
}
