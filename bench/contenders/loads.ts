/** What a publisher is asked for. */
export interface PublishLoad {
  /** Used in turn, one message each. */
  channels: readonly string[]
  /** Of each message. */
  bytes: number
  /** Messages per turn of the event loop. */
  batch: number
  turns: number
  /** Turns, not messages. */
  perSecond: number
  /** As binary messages; bare uWebSockets.js alone. */
  isBinary?: boolean
}

/** Calls `publish` for each message of one turn; numbers go on from turn to turn. */
export function burst(load: PublishLoad, publish: (channel: string, n: number, dueUs: number) => void) {
  let n = 0
  return (_turn: number, dueUs: number): void => {
    for (let index = 0; index < load.batch; index += 1) {
      publish(load.channels[n % load.channels.length] ?? '', n, dueUs)
      n += 1
    }
  }
}
