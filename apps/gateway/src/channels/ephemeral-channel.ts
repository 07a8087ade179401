import type { Namespace } from '@natter/auth'
import type { Bus, BusMessage, BusSubscription } from '@natter/broker'
import type { Clock, Timer } from '@natter/primitives'
import type { ChannelOwner, NodeChannel } from './channel.js'
import type { ChannelSink } from './channel-sink.js'
import { publicationOf } from './node-message.js'
import { Waiters } from './waiters.js'

type State = { kind: 'opening' } | { kind: 'live' } | { kind: 'lingering'; timer: Timer } | { kind: 'closed' }

/** A channel that keeps nothing: what arrives is handed on, what is missed is missed. */
export class EphemeralChannel implements NodeChannel {
  private state: State = { kind: 'opening' }
  private readonly waiters: Waiters
  private readonly listening: BusSubscription

  constructor(
    readonly name: string,
    readonly namespace: Namespace,
    liveSubject: string,
    private readonly bus: Bus,
    private readonly sink: ChannelSink,
    private readonly owner: ChannelOwner,
    private readonly clock: Clock,
    private readonly options: { lingerMs: number; readyTimeoutMs: number },
  ) {
    this.waiters = new Waiters(clock, options.readyTimeoutMs)
    this.listening = bus.subscribe(liveSubject, (message) => this.receive(message))
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
        timer: this.clock.setTimer(() => this.close(), this.options.lingerMs),
      }
    }
  }

  close(): void {
    if (this.state.kind === 'closed') return
    if (this.state.kind === 'lingering') this.state.timer.cancel()
    this.state = { kind: 'closed' }
    this.listening.stop()
    this.owner.closed(this.name)
  }

  /** The subscription stands in the client at once; `flush` proves that the server has it. Away from NATS it is made on the
   * reconnect, so joining then loses nothing that could have been had. */
  private async open(): Promise<void> {
    await this.bus.flush().catch(() => {})
    if (this.state.kind !== 'opening') return
    this.state = { kind: 'live' }
    this.waiters.release()
    this.want(this.owner.isWanted(this.name))
  }

  private receive(message: BusMessage): void {
    this.sink.deliver(this.name, publicationOf(message.body, message.meta))
  }
}
