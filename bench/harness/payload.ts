/** What is published: JSON of a size, with its number and the time at which it was due. */

const head = (n: number, atUs: number): string => `{"n":${n},"at":${atUs},"text":"`

/** Exactly `bytes` long. `atUs`: microseconds of the machine's monotonic clock, which all processes share. */
export function payload(n: number, atUs: number, bytes: number): string {
  const start = head(n, atUs)
  return `${start}${'x'.repeat(Math.max(0, bytes - start.length - 2))}"}`
}

/** When the message of a frame was due, or undefined when the frame holds none of ours. */
export function dueAt(frame: string): number | undefined {
  const found = /"n":\d+,"at":(\d+),/.exec(frame)
  return found === null ? undefined : Number(found[1])
}

/** The number of the message of a frame. */
export function numberOf(frame: string): number | undefined {
  const found = /"n":(\d+),"at":/.exec(frame)
  return found === null ? undefined : Number(found[1])
}

export const nowUs = (): number => Number(process.hrtime.bigint() / 1000n)
