/**
 * A client that reads: it comes back to whichever gateway is there, with the position where it stands, and records what it gets.
 * It judges nothing, and drops nothing.
 *
 * R1. Its position in a channel is the offset of the last publication it got, or what the subscribe reply said: as SDKs keep it.
 * R2. `left` is recorded before the next `subscribed` of the channel, and nothing of the channel is expected in between.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Connection, WirePublication, WireReply } from './connection.js'
import { enter, type Door } from './door.js'
import { hashOf, type Position, type Recorder } from './history.js'
import type { ReaderStep, SubscriberPlan } from './plan.js'
import type { Chance } from './seeded.js'

interface Reading {
  state: 'off' | 'joining' | 'on' | 'leaving'
  isWanted: boolean
  /** Undefined until it was subscribed once. */
  position?: Position
}

export interface SubscriberWorld {
  doors: readonly Door[]
  recorder: Recorder
  luck: Chance
  /** When the plan's clock started, by `performance.now()`. */
  startMs: number
  /** Something that no fault explains: the run is worth nothing. */
  fail(why: string): void
}

export class Subscriber {
  private readonly channels = new Map<string, Reading>()
  private way: { connection: Connection; gateway: string } | undefined
  private isOver = false

  constructor(
    private readonly plan: SubscriberPlan,
    private readonly world: SubscriberWorld,
  ) {
    for (const channel of plan.channels) this.channels.set(channel, { state: 'off', isWanted: true })
  }

  /** Resolves when it is subscribed to all it reads from the first moment. */
  async start(): Promise<void> {
    await this.connect()
    while (!this.isEverywhere) await delay(20)
  }

  /** From now on by plan. */
  follow(): void {
    void this.steps()
  }

  stop(): void {
    this.isOver = true
    this.way?.connection.cut()
  }

  private get isEverywhere(): boolean {
    return [...this.channels.values()].every(({ state, isWanted }) => !isWanted || state === 'on')
  }

  /** Whether it is where it wants to be and has seen the newest publication of each channel. */
  hasSeen(newest: ReadonlyMap<string, number>): boolean {
    return [...this.channels].every(([channel, { state, isWanted, position }]) => {
      if (!isWanted) return true
      return state === 'on' && (position?.offset ?? 0) >= (newest.get(channel) ?? 0)
    })
  }

  private async steps(): Promise<void> {
    for (const step of this.plan.steps) {
      const waitMs = this.world.startMs + step.atMs - performance.now()
      if (waitMs > 0) await delay(waitMs)
      if (this.isOver) return
      void this.take(step)
    }
  }

  private async take(step: ReaderStep): Promise<void> {
    if (step.kind === 'join') {
      this.channels.set(step.channel, { state: 'off', isWanted: true })
      return this.join([step.channel])
    }
    if (step.kind === 'stall') return this.stall(step.forMs)
    const reading = this.channels.get(step.channel)
    if (reading?.isWanted !== true) return
    reading.isWanted = false
    this.leave(step.channel)
    await delay(step.awayMs)
    reading.isWanted = true
    this.join([step.channel])
  }

  private async stall(forMs: number): Promise<void> {
    const { name: subscriber } = this.plan
    const connection = this.way?.connection
    if (connection === undefined) return
    this.world.recorder.record({ kind: 'stall', subscriber, forMs })
    connection.pause()
    await delay(forMs)
    connection.resume()
  }

  private async connect(): Promise<void> {
    const { doors, luck } = this.world
    this.way = await enter(
      doors,
      luck,
      {
        onPublication: (channel, publication) => this.got(channel, publication),
        onUnsubscribe: (channel, code) => this.ended(channel, String(code)),
        onClose: (code) => this.onClose(code),
      },
      () => this.isOver,
    )
    this.join([...this.channels.keys()])
  }

  private onClose(code: number): void {
    if (this.isOver) return
    this.way = undefined
    for (const [channel, reading] of this.channels) {
      if (reading.state === 'on' || reading.state === 'leaving') this.left(channel, `closed ${code}`)
      reading.state = 'off'
    }
    void this.connect()
  }

  private join(channels: readonly string[]): void {
    const { way } = this
    if (way === undefined) return
    const commands = channels.flatMap((channel) => {
      const reading = this.channels.get(channel)
      if (reading?.isWanted !== true || reading.state !== 'off') return []
      reading.state = 'joining'
      this.world.recorder.record({
        kind: 'subscribe',
        subscriber: this.plan.name,
        gateway: way.gateway,
        channel,
      })
      const { position } = reading
      const resume =
        position === undefined
          ? ''
          : `,"recover":true,"epoch":${JSON.stringify(position.epoch)},"offset":${position.offset}`
      return {
        command: `"subscribe":{"channel":${JSON.stringify(channel)}${resume}}`,
        onReply: (reply: WireReply) => this.subscribed(channel, reading, reply, way.gateway),
      }
    })
    if (commands.length > 0) way.connection.askAll(commands)
  }

  private subscribed(
    channel: string,
    reading: Reading,
    { error, subscribe }: WireReply,
    gateway: string,
  ): void {
    if (subscribe === undefined) {
      if (error?.code !== 100) this.world.fail(`${channel} can't be subscribed to: ${JSON.stringify(error)}`)
      reading.state = 'off'
      return void this.joinLater(channel)
    }
    const { position: from } = reading
    const { epoch, offset, recovered, publications } = subscribe
    const { name: subscriber } = this.plan
    const reply = { subscriber, gateway, channel, epoch, offset, recovered, count: publications.length }
    this.world.recorder.record({ kind: 'subscribed', ...reply, ...(from === undefined ? {} : { from }) })
    reading.state = 'on'
    reading.position = { epoch, offset }
    for (const publication of publications) this.got(channel, publication)
    if (!reading.isWanted) this.leave(channel)
  }

  private got(channel: string, { offset, data }: WirePublication): void {
    const { name: subscriber } = this.plan
    this.world.recorder.record({ kind: 'delivery', subscriber, channel, offset, hash: hashOf(data) })
    const reading = this.channels.get(channel)
    if (reading?.position !== undefined) reading.position.offset = offset // R1
  }

  private leave(channel: string): void {
    const reading = this.channels.get(channel)
    if (reading?.state !== 'on') return
    reading.state = 'leaving'
    this.way?.connection.ask(`"unsubscribe":{"channel":${JSON.stringify(channel)}}`, () =>
      this.ended(channel, 'asked'),
    )
  }

  /** The gateway ended it, or did as asked. */
  private ended(channel: string, why: string): void {
    const reading = this.channels.get(channel)
    if (reading === undefined || reading.state === 'off') return
    reading.state = 'off'
    this.left(channel, why)
    void this.joinLater(channel)
  }

  private left(channel: string, why: string): void {
    this.world.recorder.record({ kind: 'left', subscriber: this.plan.name, channel, why }) // R2
  }

  private async joinLater(channel: string): Promise<void> {
    await delay(this.world.luck.whole(0, 200))
    if (!this.isOver) this.join([channel])
  }
}
