/**
 * Fossil deltas: what a publication changes in the one before it. [8]
 *
 * P1. `applyPatch(base, createPatch(base, target))` is the target, byte for byte.
 * P2. With `character` every copy and every insert begins and ends between two UTF-8 characters, of base and target: the patch is text,
 *     and so travels in a JSON string. Base and target have to be UTF-8.
 * P3. A patch is shorter than its target, or there is none.
 * P4. The work is bounded by the lengths, whatever the bytes: at most 16 places of the base are tried for each byte of the target, a
 *     try that finds less than it costs ends within a few bytes, and one that finds much is taken at once. Where nothing was found
 *     for long, it looks less often. Memory is 2^16 places.
 */
import { BlockIndex, windowBytes } from './block-index.js'
import { byteAt, checksum, copyCost, PatchReader, PatchWriter, Signs } from './patch-format.js'

/** Where a copy or an insert may begin and end. */
export type PatchBorder = 'byte' | 'character'

/** A match so long is taken without looking for a longer one (P4). */
const goodBytes = 256

/** After so many bytes without a match (a power of two) every second place is looked at, after twice as many every third. */
const rushShift = 10

/** A patch says how long its target is; whoever applies it need not believe more. */
const maxTargetBytes = 67_108_864

interface Match {
  /** In the target. */
  start: number
  end: number
  /** In the base. */
  from: number
}

/** Undefined: the target itself is not longer (P3). */
export function createPatch(
  base: Uint8Array,
  target: Uint8Array,
  border: PatchBorder,
): Uint8Array | undefined {
  return new Patching(base, target, border).run()
}

class Patching {
  private readonly writer: PatchWriter
  /** Of the target: up to here it is written. */
  private done = 0
  /** Of the base: what follows what was copied last. */
  private follows = 0

  constructor(
    private readonly base: Uint8Array,
    private readonly target: Uint8Array,
    private readonly border: PatchBorder,
  ) {
    this.writer = new PatchWriter(target.length)
  }

  run(): Uint8Array | undefined {
    const { target, writer } = this
    writer.size(target.length)
    this.writeIfPaying(this.grown(0, 0, 0))
    const tail = this.tail()
    if (tail.start - this.done >= windowBytes) this.search(tail.start)
    this.writeIfPaying(this.rest(tail))
    writer.insert(target.subarray(this.done))
    writer.end(checksum(target))
    return writer.written
  }

  /** What base and target have in common at their end, behind what is written. */
  private tail(): Match {
    const { base, target } = this
    let start = target.length
    let from = base.length
    while (start > this.done && from > 0 && byteAt(base, from - 1) === byteAt(target, start - 1)) {
      start -= 1
      from -= 1
    }
    return this.aligned({ start, end: target.length, from })
  }

  /** What the search left of it. */
  private rest({ start, end, from }: Match): Match {
    const passed = Math.max(0, this.done - start)
    return { start: start + passed, end, from: from + passed }
  }

  private search(end: number): void {
    const index = new BlockIndex(this.base)
    let at = this.done
    while (at + windowBytes <= end && this.writer.hasRoom) {
      const match = this.bestAt(index, at)
      if (match === undefined) at += 1 + ((at - this.done) >> rushShift)
      else {
        this.write(match)
        at = this.done
      }
    }
  }

  /** The place that lies as far behind the last copy as in the target is tried first: most edits replace. */
  private bestAt(index: BlockIndex, at: number): Match | undefined {
    let best: Match | undefined
    const tried = (offset: number): boolean => {
      const match = this.grown(at, offset, this.done)
      if (isPaying(match) && lengthOf(match) > (best === undefined ? 0 : lengthOf(best))) best = match
      return lengthOf(match) >= goodBytes
    }
    if (!tried(this.follows + at - this.done)) index.each(this.target, at, tried)
    return best
  }

  /** As much as is equal around `target[at]` and `base[offset]`, not before `from` in the target. */
  private grown(at: number, offset: number, from: number): Match {
    const { base, target } = this
    let ahead = 0
    const most = min(target.length - at, base.length - offset)
    while (ahead < most && base[offset + ahead] === target[at + ahead]) ahead += 1
    let back = 0
    const least = min(at - from, offset)
    if (ahead >= windowBytes)
      while (back < least && base[offset - back - 1] === target[at - back - 1]) back += 1
    return this.aligned({ start: at - back, end: at + ahead, from: offset - back })
  }

  /** P2. What is equal has its borders at the same places; only its two ends may lie inside a character, of at most four bytes. */
  private aligned({ start, end, from }: Match): Match {
    if (this.border === 'byte') return { start, end, from }
    const { base, target } = this
    let first = start
    while (first < min(end, start + 3) && isInside(target, first)) first += 1
    let last = end
    const least = Math.max(first, end - 3)
    while (last > least && (isInside(target, last) || isInside(base, from + last - start))) last -= 1
    return { start: first, end: last, from: from + first - start }
  }

  private writeIfPaying(match: Match): void {
    if (isPaying(match)) this.write(match)
  }

  private write({ start, end, from }: Match): void {
    this.writer.insert(this.target.subarray(this.done, start))
    this.writer.copy(end - start, from)
    this.done = end
    this.follows = from + end - start
  }
}

/** Of two: looked up once, not for each byte. */
const { min } = Math

const lengthOf = ({ start, end }: Match): number => end - start

/** A copy pays where it is longer than what it costs, with the head of the insert that has to follow. */
const isPaying = (match: Match): boolean => lengthOf(match) > copyCost(lengthOf(match), match.from) + 2

/** A byte that continues a character; there is none behind the end. */
const isInside = (bytes: Uint8Array, at: number): boolean => (byteAt(bytes, at) & 0xc0) === 0x80

/**
 * What the patch makes of the base. Undefined: it is no patch, or not one of this base; the checksum finds nearly all that are not.
 * Answers of more than 64 MiB are refused too.
 */
export function applyPatch(base: Uint8Array, patch: Uint8Array): Uint8Array | undefined {
  const reader = new PatchReader(patch)
  const size = reader.next()
  if (size?.sign !== Signs.newline || size.value > maxTargetBytes) return undefined
  const target = new Uint8Array(size.value)
  let length = 0
  for (;;) {
    const command = reader.next()
    if (command === undefined) return undefined
    if (command.sign === Signs.end) {
      const isWhole = length === size.value && reader.isDone && command.value === checksum(target)
      return isWhole ? target : undefined
    }
    const piece = pieceOf(base, reader, command)
    if (piece === undefined || piece.length > size.value - length) return undefined
    target.set(piece, length)
    length += piece.length
  }
}

function pieceOf(
  base: Uint8Array,
  reader: PatchReader,
  { value: count, sign }: { value: number; sign: number },
): Uint8Array | undefined {
  if (sign === Signs.insert) return reader.take(count)
  if (sign !== Signs.copy) return undefined
  const offset = reader.next()
  if (offset?.sign !== Signs.comma || offset.value + count > base.length) return undefined
  return base.subarray(offset.value, offset.value + count)
}
