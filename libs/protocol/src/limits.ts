/**
 * What one client may cost, by name, each with its reason. These are defaults: an app passes its own where it offers a
 * setting. Those marked *wire* are part of the protocol: SDKs rely on them.
 */
export const Limits = Object.freeze({
  /** A longer message closes the socket with 1009. 64 KiB: what one read of a socket brings, and what other servers accept. */
  maxMessageBytes: 65_536,
  /** Bytes waiting for one slow client before it is closed with 3008. A thousand such clients are one gigabyte: no more. */
  maxQueueBytes: 1_048_576,
  /** Subscriptions of one connection; one more is answered with 106. Each costs memory on the node and an entry in presence. */
  maxChannels: 128,
  /** *Wire.* UTF-8 bytes of a channel name. Encoded for NATS it becomes at most 765, below what a subject may be. */
  maxChannelBytes: 255,
  /** *Wire.* Publications in one history reply, and missed ones in one recovery where history is capped. */
  pageSize: 300,
  /** *Wire.* Announced to the client, which gives up 10 s after a missed one. 25 s stays below the 30 s of common proxies. */
  pingIntervalMs: 25_000,
  /** How long a pong may take; must be less than the interval, or the next ping is sent before the last is answered. */
  pongTimeoutMs: 8_000,
  /** A socket that has not connected by then is closed with 3502: an idle handshake must not hold memory. */
  staleCloseMs: 10_000,
  /** How far past its expiry a connection may be refreshed before 3005. Longer than any clock is likely to be wrong. */
  expiredCloseDelayMs: 25_000,
  /** A token longer than this is refused unread: half of the message that could carry it. */
  maxTokenBytes: 32_768,
  /** A tags filter nested deeper is refused: whoever reads or applies it recurses. */
  maxFilterDepth: 64,
  /** Nodes of a tags filter: each is looked at for each publication and each subscriber with a filter. */
  maxFilterNodes: 256,
  /** Values in all lists of a tags filter: looked up by hash, but each subscriber keeps them. */
  maxFilterValues: 1_000,
  /** *Wire.* A close frame holds 125 bytes, two of them the code. */
  maxCloseReasonBytes: 123,
} as const)
