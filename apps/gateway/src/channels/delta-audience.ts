/**
 * Who asked to be told what changed. [8]
 *
 * D1. A subscriber's first publication is whole; from then on it has the one before each that comes, which a patch is made of. So it
 *     waits in the topic of whole ones and moves to that of patches with its first.
 * D2. The base is the channel's publication before, as this node delivered it; where that isn't known, or the publisher didn't let it be
 *     patched, or the patch isn't shorter, all get it whole.
 * D3. Whole or patched, the data has the form that these subscribers read: for JSON a string.
 * D4. A patch is made once for each publication and encoding, and only if somebody takes it. The base is kept while anybody asked for delta.
 *
 * Hot path: no work per subscriber, but once for each that is new.
 */
import {
  codecOf,
  createPatch,
  type Encoding,
  type Flavour,
  type Frame,
  type Publication,
} from '@natter/protocol'
import type { Listener, Seat } from './audience.js'
import { patchTopic, wholeTopic } from './topics.js'
import type { TurnFrames } from './turn-frames.js'

/** What one publication may cost the loop that serves everybody: about 25 ms at worst. Larger ones are whole. */
const maxPatchedBytes = 262_144

/** How many are in the two topics of a flavour. */
interface Counts {
  whole: number
  patched: number
}

interface DeltaChannel {
  readonly counts: Map<Flavour, Counts>
  /** Waiting for their first publication (D1). */
  readonly fresh: Set<Listener>
  base: Publication | undefined
}

export class DeltaAudience {
  private readonly channels = new Map<string, DeltaChannel>()

  constructor(private readonly frames: TurnFrames) {}

  count(channel: string, flavour: Flavour): number {
    const counts = this.channels.get(channel)?.counts.get(flavour)
    return counts === undefined ? 0 : counts.whole + counts.patched
  }

  join(listener: Listener, { channel, choice }: Seat): void {
    const state: DeltaChannel = this.channels.get(channel) ?? {
      counts: new Map(),
      fresh: new Set(),
      base: undefined,
    }
    this.channels.set(channel, state)
    const { flavour } = listener.wire.codec
    countsOf(state, flavour).whole += 1
    if (choice?.kind === 'delta' && choice.takesPatches) state.fresh.add(listener)
    this.enter(listener, wholeTopic(flavour, channel))
  }

  leave(listener: Listener, { channel, choice }: Seat): void {
    const state = this.channels.get(channel)
    if (state === undefined) return
    const { flavour } = listener.wire.codec
    const counts = countsOf(state, flavour)
    const isPatched = choice?.kind === 'delta' && choice.takesPatches && !state.fresh.delete(listener)
    counts[isPatched ? 'patched' : 'whole'] -= 1
    this.exit(listener, isPatched ? patchTopic(flavour, channel) : wholeTopic(flavour, channel))
    if (counts.whole + counts.patched === 0) state.counts.delete(flavour)
    if (state.counts.size === 0) this.channels.delete(channel)
  }

  /** @param mayPatch Its publisher lets it be told as what it changes. */
  deliver(channel: string, pub: Publication, mayPatch: boolean): void {
    const state = this.channels.get(channel)
    if (state === undefined) return
    const patches = new Patches(mayPatch ? state.base : undefined, pub)
    for (const [flavour, counts] of state.counts) {
      const codec = codecOf(flavour)
      if (pub.isBinary === true && codec.encoding === 'json') continue // they are closed
      const patch = counts.patched === 0 ? undefined : patches.frame(channel, flavour)
      if (patch !== undefined) this.frames.add(patchTopic(flavour, channel), patch, codec)
      if (patch !== undefined && counts.whole === 0) continue
      const whole = wholeFrame(channel, flavour, pub)
      if (counts.whole > 0) this.frames.add(wholeTopic(flavour, channel), whole, codec)
      if (counts.patched > 0 && patch === undefined)
        this.frames.add(patchTopic(flavour, channel), whole, codec)
    }
    state.base = pub
    if (state.fresh.size > 0) this.moveFresh(channel, state)
  }

  /** D1. */
  private moveFresh(channel: string, { counts, fresh }: DeltaChannel): void {
    for (const listener of fresh) {
      fresh.delete(listener) // before what may find its socket closed, and so take it out
      const { flavour } = listener.wire.codec
      const count = counts.get(flavour)
      if (count === undefined) continue
      count.whole -= 1
      count.patched += 1
      this.exit(listener, wholeTopic(flavour, channel))
      this.enter(listener, patchTopic(flavour, channel))
    }
  }

  /** What was added for the topic before isn't for who comes, and is for who goes. */
  private enter(listener: Listener, topic: string): void {
    this.frames.flush(topic)
    listener.join(topic)
  }

  private exit(listener: Listener, topic: string): void {
    this.frames.flush(topic)
    listener.leave(topic)
  }
}

/** D4. */
class Patches {
  private readonly made = new Map<Encoding, Uint8Array | undefined>()

  constructor(
    private readonly base: Publication | undefined,
    private readonly pub: Publication,
  ) {}

  /** Undefined: whole (D2). */
  frame(channel: string, flavour: Flavour): Frame | undefined {
    const codec = codecOf(flavour)
    const patch = this.patch(codec.encoding)
    if (patch === undefined) return undefined
    return codec.push({ channel, pub: { ...this.pub, data: codec.deltaData(patch), delta: true } })
  }

  private patch(encoding: Encoding): Uint8Array | undefined {
    if (!this.made.has(encoding)) this.made.set(encoding, this.make(encoding))
    return this.made.get(encoding)
  }

  private make(encoding: Encoding): Uint8Array | undefined {
    const { base, pub } = this
    if (base === undefined || base.data.length > maxPatchedBytes || pub.data.length > maxPatchedBytes)
      return undefined
    if (encoding === 'protobuf') return createPatch(base.data, pub.data, 'byte')
    return base.isBinary === true ? undefined : createPatch(base.data, pub.data, 'character')
  }
}

/** D3. */
function wholeFrame(channel: string, flavour: Flavour, pub: Publication): Frame {
  const codec = codecOf(flavour)
  return codec.push({ channel, pub: { ...pub, data: codec.deltaData(pub.data) } })
}

function countsOf({ counts }: DeltaChannel, flavour: Flavour): Counts {
  const present = counts.get(flavour)
  if (present !== undefined) return present
  const created: Counts = { whole: 0, patched: 0 }
  counts.set(flavour, created)
  return created
}
