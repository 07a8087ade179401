/**
 * Who wants only the publications whose tags match. [14]
 *
 * L1. Each is asked on its own: they are in no topic, and the others' cost doesn't know of them.
 * L2. A frame is built once for each publication and flavour, and not for nobody.
 */
import { codecOf, Disconnects, type Flavour, type Frame, type Publication } from '@natter/protocol'
import type { Listener, Seat } from './audience.js'

export class FilteredAudience {
  private readonly channels = new Map<string, { seats: Map<Listener, Seat>; counts: Map<Flavour, number> }>()

  count(channel: string, flavour: Flavour): number {
    return this.channels.get(channel)?.counts.get(flavour) ?? 0
  }

  join(listener: Listener, seat: Seat): void {
    const present = this.channels.get(seat.channel) ?? { seats: new Map(), counts: new Map() }
    this.channels.set(seat.channel, present)
    const { flavour } = listener.wire.codec
    present.seats.set(listener, seat)
    present.counts.set(flavour, (present.counts.get(flavour) ?? 0) + 1)
  }

  leave(listener: Listener, { channel }: Seat): void {
    const present = this.channels.get(channel)
    if (present?.seats.delete(listener) !== true) return
    const { flavour } = listener.wire.codec
    present.counts.set(flavour, (present.counts.get(flavour) ?? 1) - 1)
    if (present.seats.size === 0) this.channels.delete(channel)
  }

  deliver(channel: string, pub: Publication): void {
    const present = this.channels.get(channel)
    if (present === undefined) return
    const frames = new Map<Flavour, Frame>()
    for (const [listener, { choice }] of present.seats) {
      if (choice?.kind !== 'filter' || !choice.matches(pub.tags)) continue
      const { codec } = listener.wire
      if (pub.isBinary === true && codec.encoding === 'json')
        listener.disconnect(Disconnects.inappropriateProtocol)
      else listener.say(frameOf(frames, codec.flavour, channel, pub))
    }
  }
}

/** L2. */
function frameOf(frames: Map<Flavour, Frame>, flavour: Flavour, channel: string, pub: Publication): Frame {
  const present = frames.get(flavour)
  if (present !== undefined) return present
  const frame = codecOf(flavour).push({ channel, pub })
  frames.set(flavour, frame)
  return frame
}
