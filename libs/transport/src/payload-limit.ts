/**
 * How long a message may be to still get a close frame with 1009. A longer one is cut when its length is read (1006), because
 * the library has no other answer; what it lets through it also holds in memory while it arrives. As much as may wait for a
 * slow client: 1 MiB, or twice the limit where that is more.
 */
export const longestPayloadBytes = (maxMessageBytes: number): number =>
  Math.max(2 * maxMessageBytes, 1_048_576)
