import type { Broker, BusSubscription } from '@natter/broker'
import type { Clock, Timer, TypedEvents } from '@natter/primitives'
import type { GatewayEvents } from '../gateway.events.js'

/** How often a node is heard from. */
const beatMs = 1_000

/** A node that missed four beats is not asked any more. */
const silentMs = 4_200

interface Beat {
  node: string
  kind: 'hello' | 'beat' | 'goodbye'
}

/**
 * Which other gateways are there: each says so once a second, and at once when a new one says hello.
 *
 * E1. A node is known from its first beat until `silentMs` without one, or its goodbye.
 * E2. While this node is away from NATS nobody is forgotten: the silence is its own.
 */
export class Peers {
  private readonly heard = new Map<string, number>()
  private listening: BusSubscription | undefined
  private timer: Timer | undefined

  constructor(
    private readonly broker: Broker,
    private readonly subject: string,
    private readonly node: string,
    private readonly clock: Clock,
    private readonly events: TypedEvents<GatewayEvents>,
  ) {}

  /** The other nodes that are there. */
  get nodes(): ReadonlySet<string> {
    return new Set(this.heard.keys())
  }

  start(): void {
    this.listening = this.broker.bus.subscribe(this.subject, ({ body }) => this.receive(body))
    this.say('hello')
    this.schedule()
  }

  stop(): void {
    this.timer?.cancel()
    this.listening?.stop()
    this.say('goodbye')
  }

  /** The way to NATS is back: say hello, and give the others time to be heard. */
  resume(): void {
    for (const node of this.heard.keys()) this.heard.set(node, this.clock.now())
    this.say('hello')
  }

  private schedule(): void {
    this.timer = this.clock.setTimer(() => {
      this.say('beat')
      if (this.broker.bus.isConnected) this.forgetSilent() // E2
      this.schedule()
    }, beatMs)
  }

  private forgetSilent(): void {
    const oldest = this.clock.now() - silentMs
    for (const [node, at] of this.heard) if (at < oldest) this.forget(node, 'silent')
  }

  private forget(node: string, reason: 'silent' | 'goodbye'): void {
    if (this.heard.delete(node)) this.events.emit('peer:down', { node, reason })
  }

  private receive(body: Uint8Array): void {
    const beat = parseBeat(body)
    if (beat === undefined || beat.node === this.node) return
    if (beat.kind === 'goodbye') return this.forget(beat.node, 'goodbye')
    if (!this.heard.has(beat.node)) this.events.emit('peer:up', { node: beat.node })
    this.heard.set(beat.node, this.clock.now())
    if (beat.kind === 'hello') this.say('beat')
  }

  private say(kind: Beat['kind']): void {
    if (!this.broker.bus.isConnected) return
    const beat: Beat = { node: this.node, kind }
    this.broker.bus.publish(this.subject, new TextEncoder().encode(JSON.stringify(beat)))
  }
}

function parseBeat(body: Uint8Array): Beat | undefined {
  try {
    const beat = JSON.parse(new TextDecoder().decode(body)) as Partial<Beat>
    return typeof beat.node === 'string' && typeof beat.kind === 'string' ? (beat as Beat) : undefined
  } catch {
    return undefined
  }
}
