import type { Broker, BusSubscription } from '@natter/broker'
import type { Clock, Timer, TypedEvents } from '@natter/primitives'
import type { GatewayEvents } from '../gateway.events.js'

/** How often a node is heard from. */
const beatMs = 1_000

/** A timer that is so late says that this process stood still: what the others said meanwhile is still to be read. */
const stoodStillMs = 1_500

/** A node that missed four beats is not asked any more. */
const silentMs = 4_200

interface Beat {
  node: string
  /** Another word with each start of the process, and after the others took it for dead. */
  life: string
  kind: 'hello' | 'beat' | 'goodbye'
}

/**
 * Which other gateways are there: each says so once a second, and at once when a new one says hello.
 *
 * E1. A node is known from its first beat until `silentMs` without one, or its goodbye.
 * E2. While this node is away from NATS, or stood still, nobody is forgotten: the silence is its own.
 * E3. A node that lives another life is down and up again: what it held before is gone.
 */
export class Peers {
  private readonly heard = new Map<string, { atMs: number; life: string }>()
  private listening: BusSubscription | undefined
  private timer: Timer | undefined

  constructor(
    private readonly broker: Broker,
    private readonly subject: string,
    private readonly node: string,
    private readonly clock: Clock,
    private readonly events: TypedEvents<GatewayEvents>,
    private readonly life: () => string = () => '',
  ) {}

  /** The other nodes that are there. */
  get nodes(): ReadonlySet<string> {
    return new Set(this.heard.keys())
  }

  /** Undefined: it isn't there. */
  lifeOf(node: string): string | undefined {
    return this.heard.get(node)?.life
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
    this.giveTime()
    this.say('hello')
  }

  /** This node lives another life now. */
  renew(): void {
    this.say('beat')
  }

  private giveTime(): void {
    for (const peer of this.heard.values()) peer.atMs = this.clock.now()
  }

  private schedule(): void {
    const dueMs = this.clock.now() + beatMs
    this.timer = this.clock.setTimer(() => {
      this.say('beat')
      const lateMs = this.clock.now() - dueMs
      if (lateMs > stoodStillMs) {
        this.giveTime() // E2
        this.events.emit('node:stood-still', { lateMs })
      }
      if (this.broker.bus.isConnected) this.forgetSilent() // E2
      this.schedule()
    }, beatMs)
  }

  private forgetSilent(): void {
    const oldest = this.clock.now() - silentMs
    for (const [node, { atMs }] of this.heard) if (atMs < oldest) this.forget(node, 'silent')
  }

  private forget(node: string, reason: 'silent' | 'goodbye' | 'another-life'): void {
    if (this.heard.delete(node)) this.events.emit('peer:down', { node, reason })
  }

  private receive(body: Uint8Array): void {
    const beat = parseBeat(body)
    if (beat === undefined || beat.node === this.node) return
    if (beat.kind === 'goodbye') return this.forget(beat.node, 'goodbye')
    const { node, life } = beat
    const known = this.heard.get(node)
    if (known !== undefined && known.life !== life) this.forget(node, 'another-life') // E3
    const isNew = !this.heard.has(node)
    this.heard.set(node, { atMs: this.clock.now(), life })
    if (isNew) this.events.emit('peer:up', { node })
    if (beat.kind === 'hello') this.say('beat')
  }

  private say(kind: Beat['kind']): void {
    if (!this.broker.bus.isConnected) return
    const beat: Beat = { node: this.node, life: this.life(), kind }
    this.broker.bus.publish(this.subject, new TextEncoder().encode(JSON.stringify(beat)))
  }
}

function parseBeat(body: Uint8Array): Beat | undefined {
  try {
    const beat = JSON.parse(new TextDecoder().decode(body)) as Partial<Beat>
    const { node, kind, life } = beat
    if (typeof node !== 'string' || typeof kind !== 'string') return undefined
    return { node, kind, life: typeof life === 'string' ? life : '' }
  } catch {
    return undefined
  }
}
