/**
 * How full a stream is, as the levels at which somebody should act. Pure; `fullness.ts` looks and tells.
 *
 * L1. A level is reached at its share of the stream's bytes and left 2 % below it, so that a stream that stays near a level is told
 *     once, not at every look.
 * L2. 100 means that the stream itself refuses or drops. It does so a message before its last byte: 99 % counts as full, and so does
 *     a refusal of its own, unless the stream was nearly empty and only the message too big for what was left.
 * L3. The last tenth of a stream that refuses is for what the mesh itself writes: publications are refused from 90 on.
 * L4. A stream that forgets is full for most of its life: that is its purpose, and it is not looked at more often.
 */
import type { StreamState } from '@natter/broker'

/** Percent of the stream's bytes; 0 = below all. */
export type Level = 0 | 50 | 75 | 90 | 100

export type Reading = Pick<StreamState, 'bytes' | 'maxBytes' | 'onFull'>

const LEVELS: readonly { level: Level; share: number }[] = [
  { level: 100, share: 0.99 },
  { level: 90, share: 0.9 },
  { level: 75, share: 0.75 },
  { level: 50, share: 0.5 },
]
const HYSTERESIS = 0.02

/** A refusal of the stream below this says nothing of its fullness. */
const CREDIBLE_SHARE = 0.88

export const CALM_MS = 5_000
const ALERT_MS = 1_000
export const NEAR_MS = 250

/** Share of its bytes that a stream holds, 0 to 1 (or above, when its limit was lowered); 0 without a limit. */
export function shareOf({ bytes, maxBytes }: Reading): number {
  return maxBytes > 0 ? bytes / maxBytes : 0
}

/** The level after a look. `hasRefused`: the stream refused a publication for want of room since the look before. */
export function levelAfter(before: Level, reading: Reading, hasRefused: boolean): Level {
  const share = shareOf(reading)
  if (hasRefused && share >= CREDIBLE_SHARE) return 100 // L2
  for (const { level, share: from } of LEVELS) {
    const isHeld = level <= before && share >= from - HYSTERESIS // L1
    if (share >= from || isHeld) return level
  }
  return 0
}

/** L3 */
export function isRefusingAt(level: Level, { onFull }: Reading): boolean {
  return onFull === 'refuse' && level >= 90
}

/** How long until the next look: the fuller, the sooner. */
export function pauseAfter(reading: Reading | undefined): number {
  if (reading === undefined || reading.onFull === 'forget') return CALM_MS // L4
  const share = shareOf(reading)
  if (share >= 0.8) return NEAR_MS
  return share >= 0.4 ? ALERT_MS : CALM_MS
}

/** What an operator should know of a change of level, and do. */
export function adviceOf(before: Level, level: Level, { onFull }: Reading): string {
  if (onFull === 'forget') {
    return level > before && level >= 90
      ? 'Its oldest publications go to make room. To keep them longer raise nats.stream_max_bytes'
      : 'Nothing to do'
  }
  if (level < before) return level < 90 ? 'Publications are taken' : 'Publications are still refused'
  const causes =
    'see whether persistence and Postgres run, lower nats.hot_for or raise nats.stream_max_bytes and restart'
  if (level === 100) return `The stream refuses everything: ${causes}`
  if (level === 90) return `Publications are refused until it is below 88 %: ${causes}`
  return `It fills faster than it is archived and purged; from 90 % on publications are refused: ${causes}`
}
