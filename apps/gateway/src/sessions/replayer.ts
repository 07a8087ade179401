import type { Broker } from '@natter/broker'
import type { Caller, HookEvent } from '@natter/hooks'
import type { Clock, Timer, TypedEvents } from '@natter/primitives'
import { Disconnects } from '@natter/protocol'
import { connectionClosed } from '../connection/facts.js'
import type { GatewayEvents } from '../gateway.events.js'
import type { Hooks } from '../hooks/hooks.js'
import type { Peers } from '../presence/peers.js'
import { claimDead, deadKey, type DeadRecord } from './dead-record.js'
import type { Sessions } from './sessions.js'
import { eventId, openAfter, type OpenOp } from './session-ops.js'

/** Others have this long to be heard: a bit more than a gateway may be silent. */
const graceMs = 5_500
/** How often it is looked for what nobody has told: also for those whose replayer died. */
const lookEveryMs = 15_000
/** Events that are told at a time. */
const atOnce = 500

export interface ReplayerParts {
  broker: Pick<Broker, 'bus' | 'journal' | 'registry' | 'subjects' | 'events'>
  peers: Pick<Peers, 'lifeOf'>
  sessions: Pick<Sessions, 'life' | 'isOwn'>
  hooks: Pick<Hooks, 'tell'>
  clock: Clock
  events: TypedEvents<GatewayEvents>
  node: string
}

/**
 * Tells the ends that a dead gateway could not tell any more.
 *
 * R1. A life is dead when its node is silent or lives another one. Nobody is judged in the first seconds after a start or a reconnect.
 * R2. One gateway replays it: who writes the record `dead.<node>.<life>` first. When that one dies too, another takes it over.
 * R3. The events have the ids that the dead one would have given them, so what was told before is recognised.
 * R4. Its journal is purged when all of it was heard, and not before.
 */
export class Replayer {
  private readonly replaying = new Set<string>()
  private readonly stopListening: (() => void)[] = []
  private timer: Timer | undefined
  private judgesFromMs = 0
  private isLooking = false
  private isAskedAgain = false
  private isStopped = false

  constructor(private readonly parts: ReplayerParts) {}

  start(): void {
    const { broker, events } = this.parts
    this.wait()
    this.stopListening.push(
      broker.events.on('broker:reconnect', () => this.wait()),
      events.on('peer:down', () => void this.look()),
    )
  }

  stop(): void {
    this.isStopped = true
    this.timer?.cancel()
    for (const stop of this.stopListening) stop()
  }

  /** R1 */
  private wait(): void {
    this.judgesFromMs = this.parts.clock.now() + graceMs
    this.schedule(graceMs)
  }

  private schedule(ms: number): void {
    this.timer?.cancel()
    this.timer = this.parts.clock.setTimer(() => {
      void this.look()
      this.schedule(lookEveryMs)
    }, ms)
  }

  private async look(): Promise<void> {
    const { broker } = this.parts
    this.isAskedAgain = true
    if (this.isLooking) return
    this.isLooking = true
    while (this.isAskedAgain && !this.isStopped && broker.bus.isConnected) {
      this.isAskedAgain = false
      await this.lookOnce().catch((error: unknown) => this.trouble(error))
    }
    this.isLooking = false
  }

  private async lookOnce(): Promise<void> {
    const { journal, subjects } = this.parts.broker
    for (const subject of await journal.subjects(subjects.allSessions)) {
      const whose = subjects.sessionsIn(subject)
      if (whose === undefined || this.replaying.has(subject) || !this.isDead(whose.node, whose.life)) continue
      this.replaying.add(subject)
      void this.replay(subject, whose.node, whose.life)
        .catch((error: unknown) => this.trouble(error)) // at the next look again
        .finally(() => this.replaying.delete(subject))
    }
  }

  /** R1 */
  private isDead(node: string, life: string): boolean {
    if (this.parts.clock.now() < this.judgesFromMs) return false
    return node === this.parts.node
      ? !this.parts.sessions.isOwn(life)
      : this.parts.peers.lifeOf(node) !== life
  }

  private isThere = (node: string, life: string): boolean =>
    node === this.parts.node ? this.parts.sessions.isOwn(life) : this.parts.peers.lifeOf(node) === life

  private async replay(subject: string, node: string, life: string): Promise<void> {
    const { broker, clock, events, sessions } = this.parts
    const mine: DeadRecord = { by: this.parts.node, byLife: sessions.life, atMs: clock.now() }
    const claim = { key: deadKey(node, life), mine, isThere: this.isThere }
    const record = await claimDead(broker.registry, claim)
    if (record === undefined) return // R2
    const open = openAfter((await broker.journal.read(subject)).map(({ body }) => body))
    const ends = endsOf(open, { node, life, atMs: record.atMs })
    const isHeard = await this.tellAll(ends)
    events.emit('sessions:replay', { node, life, ends: ends.length, isHeard })
    if (isHeard) await broker.journal.purge(subject) // R4
  }

  private async tellAll(ends: readonly HookEvent[]): Promise<boolean> {
    let isHeard = true
    for (let from = 0; from < ends.length && !this.isStopped; from += atOnce) {
      const some = ends.slice(from, from + atOnce)
      const told = await Promise.all(
        some.map(async (event): Promise<unknown> => this.parts.hooks.tell(event)),
      )
      isHeard &&= !told.includes('dropped')
    }
    return isHeard && !this.isStopped
  }

  /** Whatever it is: what lies in the journal must not end the gateways that read it. */
  private trouble(error: unknown): void {
    this.parts.events.emit('sessions:trouble', { error })
  }
}

/** R3. Subscriptions before their connections. */
function endsOf(
  open: readonly OpenOp[],
  { node, life, atMs }: { node: string; life: string; atMs: number },
): HookEvent[] {
  const callers = new Map<number, Caller>()
  for (const op of open) if (op.op === 'connection') callers.set(op.n, op.caller)
  const { code, reason } = Disconnects.connectionClosed
  const disconnects: HookEvent[] = []
  const unsubscribes: HookEvent[] = []
  for (const op of open) {
    const caller = callers.get(op.op === 'connection' ? op.n : op.connection)
    if (caller === undefined) continue
    const head = { id: eventId(node, life, op, caller.client), atMs, caller }
    if (op.op === 'connection') disconnects.push({ ...head, kind: 'disconnect', code, reason })
    else {
      const { namespace, channel } = op
      unsubscribes.push({ ...head, kind: 'unsubscribe', namespace, channel, ...connectionClosed })
    }
  }
  return [...unsubscribes, ...disconnects]
}
