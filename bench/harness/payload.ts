/** What is published: JSON of a size, with its number and the time at which it was due. */

const head = (n: number, atUs: number): string => `{"n":${n},"at":${atUs},"text":"`

/** Exactly `bytes` long. `atUs`: microseconds of the machine's monotonic clock, which all processes share. */
export function payload(n: number, atUs: number, bytes: number): string {
  const start = head(n, atUs)
  return `${start}${'x'.repeat(Math.max(0, bytes - start.length - 2))}"}`
}

/** When the messages of a frame were due; none where the frame holds none of ours. */
export const dueTimes = (frame: string): number[] =>
  Array.from(frame.matchAll(/"n":\d+,"at":(\d+),/g), ([, at]) => Number(at))

/** The numbers of the messages of a frame. */
export const numbersOf = (frame: string): number[] =>
  Array.from(frame.matchAll(/"n":(\d+),"at":/g), ([, n]) => Number(n))

export const nowUs = (): number => Number(process.hrtime.bigint() / 1000n)
