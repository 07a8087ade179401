/**
 * `Math.random` that can be had again: the same seed gives the same numbers, on every machine. Tommy Ettinger's mulberry32: 32 bits
 * of state, good enough to spread load and faults, for nothing that anybody may not guess. Answers 0 ≤ x < 1. Neighbouring seeds
 * give unrelated numbers; each generator goes its own way.
 */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
