import { byteAt } from './patch-format.js'

/** Bytes that are looked up at once. Shorter repeats cost about as much to copy as to insert. */
export const windowBytes = 8

/** Places of the base that are remembered; in a longer base every nth place is. */
const maxPlaces = 65_536

/** Places that are tried for one window: a base that repeats itself has many, and any of them does. */
const maxTries = 16

/** Where each window of the base begins: found by hash, in bounded memory and with bounded tries. */
export class BlockIndex {
  private readonly heads: Int32Array
  private readonly nexts: Int32Array
  private readonly mask: number
  private readonly step: number

  constructor(private readonly base: Uint8Array) {
    const windows = Math.max(0, base.length - windowBytes + 1)
    this.step = Math.max(1, Math.ceil(windows / maxPlaces))
    const places = Math.ceil(windows / this.step)
    const buckets = 2 ** Math.ceil(Math.log2(Math.max(places, 16)))
    this.mask = buckets - 1
    this.heads = new Int32Array(buckets).fill(-1)
    this.nexts = new Int32Array(places)
    for (let place = places - 1; place >= 0; place -= 1) this.add(place)
  }

  /** Calls `tried` with offsets of the base whose window may equal the one at `at`, until it answers true; at most 16 of them. */
  each(bytes: Uint8Array, at: number, tried: (offset: number) => boolean): void {
    let place = this.heads[hashAt(bytes, at) & this.mask] ?? -1
    for (let left = maxTries; place >= 0 && left > 0; left -= 1) {
      if (tried(place * this.step)) return
      place = this.nexts[place] ?? -1
    }
  }

  private add(place: number): void {
    const bucket = hashAt(this.base, place * this.step) & this.mask
    this.nexts[place] = this.heads[bucket] ?? -1
    this.heads[bucket] = place
  }
}

/** Looked up once, not for each byte. */
const { imul } = Math

function hashAt(bytes: Uint8Array, at: number): number {
  let hash = 0
  for (let index = 0; index < windowBytes; index += 1)
    hash = (imul(hash, 0x01000193) ^ byteAt(bytes, at + index)) | 0
  hash ^= hash >>> 15
  hash = imul(hash, 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}
