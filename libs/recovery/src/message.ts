/** What recovery needs to know of a stored message; whatever else it carries travels along untouched. */
export interface LogMessage {
  /** Its offset: grows within a channel, not contiguous. */
  readonly seq: number
  /** The sequence of the message before it in the channel; 0 = none was kept. Only live messages know it: what is read
   * from the log comes in order and without holes by contract, and says 0. */
  readonly prev: number
  /** The server's stamp, nanoseconds since 1970: identity of a sequence, never order. */
  readonly timeNs: bigint
  /** What it costs to hold. */
  readonly bytes: number
}
