import { InvalidError } from '@natter/primitives'

/**
 * The oldest server we trust: 2.14.4 and 2.14.5 mended the checks of expected subject sequences in batches and the fencing of
 * former Raft leaders, and have the API level that our streams are created with. tools/nats-server.mjs obtains no older one.
 */
export const OLDEST_SERVER = '2.14.5'

/** @throws InvalidError `nats-too-old` with what to install. */
export function requireServer(version: string, server: string): void {
  if (compare(version, OLDEST_SERVER) >= 0) return
  throw new InvalidError(
    'nats-too-old',
    `${server} runs nats-server ${version}. Natter needs ${OLDEST_SERVER} or newer: install nats-server 2.15 or newer (https://nats.io/download) or point NATTER_NATS_URL at one`,
  )
}

function compare(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)]
  for (const [i, number] of left.entries()) {
    const difference = number - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function numbers(version: string): number[] {
  const [, major = '0', minor = '0', patch = '0'] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []
  return [Number(major), Number(minor), Number(patch)]
}
