/** Chance that can be had again: the same seed and label give the same numbers, whoever else draws. */
import { seededRandom } from '@natter/testing'

export interface Chance {
  /** 0 ≤ x < 1. */
  next(): number
  /** `from` ≤ n ≤ `to`, both whole. */
  whole(from: number, to: number): number
  pick<T>(from: readonly T[]): T
  /** `count` different ones, or all when there are fewer. */
  sample<T>(from: readonly T[], count: number): T[]
  /** `count` moments before `endMs`, ascending, not all at once: one in each equal part of the time. */
  moments(count: number, startMs: number, endMs: number): number[]
}

export function chance(seed: number, label: string): Chance {
  const next = seededRandom(hashOf(`${seed}/${label}`))
  const whole = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1))
  const pick = <T>(from: readonly T[]): T => {
    if (from.length === 0) throw new Error(`${label}: nothing to pick from`)
    return from[whole(0, from.length - 1)] as T
  }
  const sample = <T>(from: readonly T[], count: number): T[] => {
    const left = [...from]
    return Array.from({ length: Math.min(count, from.length) }, () => {
      const [taken] = left.splice(whole(0, left.length - 1), 1)
      return taken as T
    })
  }
  const moments = (count: number, startMs: number, endMs: number): number[] => {
    const partMs = (endMs - startMs) / count
    return Array.from({ length: count }, (_, n) => Math.round(startMs + (n + next()) * partMs))
  }
  return { next, whole, pick, sample, moments }
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}
