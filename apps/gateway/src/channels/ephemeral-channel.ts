import type { Namespace } from '@natter/auth'
import type { Bus, BusMessage, BusSubscription } from '@natter/broker'
import type { Clock, Timer } from '@natter/primitives'
import type { ChannelKeeper, OpenChannel } from './channel.js'
import type { Audience } from './audience.js'
import { publicationOf } from './node-message.js'
import { Waiters } from './waiters.js'

type State = { kind: 'opening' } | { kind: 'live' } | { kind: 'lingering'; timer: Timer } | { kind: 'closed' }

export interface EphemeralChannelParts {
  bus: Bus
  liveSubject: string
  audience: Pick<Audience, 'deliver'>
  owner: ChannelKeeper
  clock: Clock
  lingerMs: number
  readyTimeoutMs: number
}

/** A channel that keeps nothing: what arrives is handed on, what is missed is missed. */
export class EphemeralChannel implements OpenChannel {
  readonly isDurable = false
  private state: State = { kind: 'opening' }
  private readonly waiters: Waiters
  private readonly listening: BusSubscription

  constructor(
    readonly name: string,
    readonly namespace: Namespace,
    private readonly parts: EphemeralChannelParts,
  ) {
    this.waiters = new Waiters(parts.clock, parts.readyTimeoutMs)
    this.listening = parts.bus.subscribe(parts.liveSubject, (message) => this.receive(message))
    void this.open()
  }

  whenLive(): Promise<void> {
    return this.state.kind === 'live' ? Promise.resolve() : this.waiters.wait()
  }

  want(isWanted: boolean): void {
    if (isWanted && this.state.kind === 'lingering') {
      this.state.timer.cancel()
      this.state = { kind: 'live' }
    } else if (!isWanted && this.state.kind === 'live') {
      this.state = {
        kind: 'lingering',
        timer: this.parts.clock.setTimer(() => this.close(), this.parts.lingerMs),
      }
    }
  }

  close(): void {
    if (this.state.kind === 'closed') return
    if (this.state.kind === 'lingering') this.state.timer.cancel()
    this.state = { kind: 'closed' }
    this.listening.stop()
    this.waiters.refuse()
    this.parts.owner.closed(this.name)
  }

  /** The subscription stands in the client at once; `flush` proves that the server has it. Away from NATS it is made on the
   * reconnect, so joining then loses nothing that could have been had. */
  private async open(): Promise<void> {
    await this.parts.bus.flush().catch(() => {})
    if (this.state.kind !== 'opening') return
    this.state = { kind: 'live' }
    this.waiters.release()
    this.want(this.parts.owner.isWanted(this.name))
  }

  private receive(message: BusMessage): void {
    this.parts.audience.deliver(this.name, publicationOf(message.body, message.meta))
  }
}
