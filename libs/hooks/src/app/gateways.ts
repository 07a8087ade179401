import type { Broker, BusSubscription } from '@natter/broker'
import { UnavailableError, type Clock } from '@natter/primitives'

/** A gateway that missed four beats is not asked any more. */
const silentMs = 4_200

/**
 * Which gateways are there: each says so once a second on `Subjects.presenceBeat`.
 *
 * G1. A gateway is known from its first beat until 4.2 s without one, its goodbye, or a request that found nobody listening.
 * G2. While this process was away from NATS, nobody is forgotten for it.
 */
export class Gateways {
  private readonly heard = new Map<string, number>()
  private readonly waiting = new Set<() => void>()
  private stopListening: (() => void) | undefined

  constructor(
    private readonly broker: Broker,
    private readonly clock: Clock,
    private readonly random: () => number = Math.random,
  ) {}

  start(): void {
    const listening: BusSubscription = this.broker.bus.subscribe(
      this.broker.subjects.presenceBeat,
      ({ body }) => this.receive(body),
    )
    const unhook = this.broker.events.on('broker:reconnect', () => this.resume())
    this.stopListening = () => {
      unhook()
      listening.stop()
    }
  }

  stop(): void {
    this.stopListening?.()
    this.heard.clear()
    this.wake()
  }

  get nodes(): readonly string[] {
    const oldest = this.clock.now() - silentMs
    const isAway = !this.broker.bus.isConnected // G2
    return [...this.heard].filter(([, at]) => isAway || at >= oldest).map(([node]) => node)
  }

  /** Anyone, rather one that isn't in `tried`. Waits up to `withinMs` for the first to be heard from. @throws UnavailableError `no-gateway`. */
  async pick(tried: ReadonlySet<string>, withinMs: number): Promise<string> {
    if (this.nodes.length === 0) await this.heardOf(withinMs)
    const { nodes } = this
    const fresh = nodes.filter((node) => !tried.has(node))
    const from = fresh.length > 0 ? fresh : nodes
    const node = from[Math.floor(this.random() * from.length)]
    if (node !== undefined) return node
    throw new UnavailableError(
      'no-gateway',
      'No gateway of this mesh was heard from: is one running, with this prefix?',
    )
  }

  /** Nobody listens there. It comes back with its next beat. */
  forget(node: string): void {
    this.heard.delete(node)
  }

  private heardOf(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        this.waiting.delete(done)
        resolve()
      }
      const timer = this.clock.setTimer(done, withinMs)
      this.waiting.add(done)
    })
  }

  private wake(): void {
    for (const done of this.waiting) done()
  }

  /** G2 */
  private resume(): void {
    for (const node of this.heard.keys()) this.heard.set(node, this.clock.now())
  }

  private receive(body: Uint8Array): void {
    const beat = readBeat(body)
    if (beat === undefined) return
    if (beat.kind === 'goodbye') return this.forget(beat.node)
    this.heard.set(beat.node, this.clock.now())
    this.wake()
  }
}

function readBeat(body: Uint8Array): { node: string; kind: string } | undefined {
  try {
    const { node, kind } = JSON.parse(Buffer.from(body).toString('utf8')) as Record<string, unknown>
    return typeof node === 'string' && typeof kind === 'string' ? { node, kind } : undefined
  } catch {
    return undefined
  }
}
