import type { Namespace } from '@natter/auth'
import { decodeMeta, encodeMeta, type Broker, type BusSubscription } from '@natter/broker'
import { NatterError, type Clock, type Timer } from '@natter/primitives'
import type { ClientInfo } from '@natter/protocol'
import type { Audience } from '../channels/audience.js'

/** Joins and leaves of a channel are gathered this long on a node, so that a storm of them is few messages. */
const gatherMs = 200

/** One message: well below the megabyte that NATS takes. An event is escaped once more as JSON, so it may double. */
const maxEventBytes = 400_000

type Kind = 'join' | 'leave'

interface Gathered {
  namespace: Namespace
  events: [Kind, string][]
  bytes: number
  timer: Timer
}

/**
 * Tells subscribers who joins and leaves, on all nodes. At most once: nobody is told twice, and while NATS is away nobody
 * is told. `presence` is the truth, this is the hint to look.
 */
export class JoinLeave {
  private readonly gathering = new Map<string, Gathered>()
  private readonly listening = new Map<string, { count: number; subscription: BusSubscription }>()

  constructor(
    private readonly broker: Broker,
    private readonly audience: Pick<Audience, 'announce'>,
    private readonly clock: Clock,
    private readonly subjectOf: (namespace: string, channel: string) => string,
  ) {}

  tell(channel: string, namespace: Namespace, kind: Kind, info: ClientInfo): void {
    const text = encodeMeta({ kind: 'json', info })
    if (this.bytesOf(channel) + text.length > maxEventBytes) this.send(channel)
    const gathered = this.gathering.get(channel) ?? this.gather(channel, namespace)
    gathered.events.push([kind, text])
    gathered.bytes += text.length
  }

  /** One more subscriber on this node wants to be told. */
  listen(channel: string, namespace: Namespace): void {
    const present = this.listening.get(channel)
    if (present !== undefined) {
      present.count += 1
      return
    }
    const subject = this.subjectOf(namespace.name, channel)
    const subscription = this.broker.bus.subscribe(subject, ({ body }) => this.receive(channel, body))
    this.listening.set(channel, { count: 1, subscription })
  }

  unlisten(channel: string): void {
    const present = this.listening.get(channel)
    if (present === undefined) return
    present.count -= 1
    if (present.count > 0) return
    present.subscription.stop()
    this.listening.delete(channel)
  }

  /** Says what was gathered, then nothing more. */
  stop(): void {
    for (const channel of this.gathering.keys()) this.send(channel)
    for (const { subscription } of this.listening.values()) subscription.stop()
    this.listening.clear()
  }

  private bytesOf(channel: string): number {
    return this.gathering.get(channel)?.bytes ?? 0
  }

  private gather(channel: string, namespace: Namespace): Gathered {
    const timer = this.clock.setTimer(() => this.send(channel), gatherMs)
    const gathered: Gathered = { namespace, events: [], bytes: 0, timer }
    this.gathering.set(channel, gathered)
    return gathered
  }

  /** At most once: what can't be sent now is not worth sending later. */
  private send(channel: string): void {
    const gathered = this.gathering.get(channel)
    if (gathered === undefined) return
    gathered.timer.cancel()
    this.gathering.delete(channel)
    const body = new TextEncoder().encode(JSON.stringify(gathered.events))
    try {
      this.broker.bus.publish(this.subjectOf(gathered.namespace.name, channel), body)
    } catch (error) {
      if (!(error instanceof NatterError)) throw error
    }
  }

  private receive(channel: string, body: Uint8Array): void {
    for (const [kind, text] of parse(body)) {
      const info = decodeMeta(text)?.info
      if (info === undefined) continue
      this.audience.announce(
        channel,
        kind === 'join' ? { channel, join: { info } } : { channel, leave: { info } },
      )
    }
  }
}

function parse(body: Uint8Array): [Kind, string][] {
  try {
    const events = JSON.parse(new TextDecoder().decode(body)) as unknown
    if (!Array.isArray(events)) return []
    return events.filter(
      (event): event is [Kind, string] => Array.isArray(event) && typeof event[1] === 'string',
    )
  } catch {
    return []
  }
}
