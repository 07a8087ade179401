/**
 * A client that publishes by plan and repeats, with the same id, whatever wasn't acknowledged.
 *
 * P1. Each attempt has exactly one recorded answer: the reply, or "unknown" when the connection ended before it.
 * P2. First attempts leave in the order of the plan; repeats come whenever they come.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Connection } from './connection.js'
import { enter, type Door } from './door.js'
import { hashOf, type Recorder } from './history.js'
import type { PlannedPublication, PublisherPlan } from './plan.js'
import { dataOf } from './publication-data.js'
import type { Chance } from './seeded.js'

interface Attempt {
  publication: PlannedPublication
  attempt: number
}

/** Below the 64 KiB that a gateway takes in one frame. */
const maxFrameBytes = 60_000
const maxInFlight = 300

export interface PublisherWorld {
  doors: readonly Door[]
  recorder: Recorder
  luck: Chance
  /** When the plan's clock started, by `performance.now()`. */
  startMs: number
  /** A frame with so many publications is on its way. */
  onSent(gateway: string, publications: number): void
}

export class Publisher {
  private todo: Attempt[] = []
  private readonly inFlight = new Set<Attempt>()
  private way: { connection: Connection; gateway: string } | undefined
  private isOver = false
  private isEnough = false
  private begun = 0
  /** Neither acknowledged nor refused. */
  remaining: number
  private finish: () => void = () => {}
  /** Resolves when everything planned was acknowledged or refused. */
  readonly done: Promise<void>

  constructor(
    private readonly plan: PublisherPlan,
    private readonly world: PublisherWorld,
  ) {
    this.remaining = plan.bursts.reduce((sum, { publications }) => sum + publications.length, 0)
    this.done = new Promise((resolve) => (this.finish = resolve))
    if (this.remaining === 0) this.finish()
  }

  /** Connects, and resolves when it publishes. */
  async start(): Promise<void> {
    await this.connect()
    void this.follow()
  }

  /** Begins nothing more of its plan; `done` then waits for what it has begun only. */
  enough(): void {
    if (this.isEnough) return
    this.isEnough = true
    const planned = this.plan.bursts.reduce((sum, { publications }) => sum + publications.length, 0)
    this.remaining -= planned - this.begun
    if (this.remaining === 0) this.finish()
  }

  stop(): void {
    this.isOver = true
    this.way?.connection.cut()
  }

  private async follow(): Promise<void> {
    for (const { atMs, publications } of this.plan.bursts) {
      const waitMs = this.world.startMs + atMs - performance.now()
      if (waitMs > 0) await delay(waitMs)
      if (this.isOver || this.isEnough) return
      this.begun += publications.length
      this.todo.push(...publications.map((publication) => ({ publication, attempt: 1 })))
      this.pump()
    }
  }

  private async connect(): Promise<void> {
    const { doors, luck } = this.world
    const handlers = {
      onPublication: () => {},
      onUnsubscribe: () => {},
      onClose: (code: number) => this.onClose(code),
    }
    this.way = await enter(doors, luck, handlers, () => this.isOver)
    this.pump()
  }

  private onClose(code: number): void {
    if (this.isOver) return
    this.way = undefined
    for (const attempt of this.inFlight) this.answered(attempt, 'unknown', `closed ${code}`) // P1
    void this.connect()
  }

  private pump(): void {
    const { way } = this
    if (way === undefined) return
    while (this.todo.length > 0 && this.inFlight.size < maxInFlight) {
      const commands: { command: string; onReply(reply: { error?: { code: number } }): void }[] = []
      let bytes = 0
      while (this.inFlight.size < maxInFlight) {
        const [attempt] = this.todo
        if (attempt === undefined) break
        const { channel } = attempt.publication
        const data = dataOf(attempt.publication)
        bytes += Buffer.byteLength(data) + 120
        if (bytes > maxFrameBytes && commands.length > 0) break
        this.todo.shift()
        this.called(attempt, data, way.connection.number)
        commands.push({
          command: `"publish":{"channel":${JSON.stringify(channel)},"data":${data}}`,
          onReply: ({ error }) => this.replied(attempt, error?.code),
        })
      }
      way.connection.askAll(commands)
      this.world.onSent(way.gateway, commands.length)
    }
  }

  private called(attempt: Attempt, data: string, connection: number): void {
    const { channel, id } = attempt.publication
    this.inFlight.add(attempt)
    const { name: publisher } = this.plan
    const call = { publisher, connection, attempt: attempt.attempt, channel, id, hash: hashOf(data) }
    this.world.recorder.record({ kind: 'publish', ...call })
  }

  private replied(attempt: Attempt, code: number | undefined): void {
    if (code === undefined) {
      this.answered(attempt, 'acknowledged')
    } else if (code === 100 || code === 111) this.answered(attempt, 'unknown', `error ${code}`)
    else this.answered(attempt, 'refused', `error ${code}`)
    this.pump()
  }

  private answered(attempt: Attempt, outcome: 'acknowledged' | 'refused' | 'unknown', why?: string): void {
    this.inFlight.delete(attempt)
    const { id } = attempt.publication
    const answer = { publisher: this.plan.name, id, attempt: attempt.attempt, outcome }
    this.world.recorder.record({ kind: 'answer', ...answer, ...(why === undefined ? {} : { why }) })
    if (outcome === 'unknown') return void this.again(attempt)
    this.remaining -= 1
    if (this.remaining === 0) this.finish()
  }

  private async again({ publication, attempt }: Attempt): Promise<void> {
    await delay(this.world.luck.whole(50, 200))
    if (this.isOver) return
    this.todo.push({ publication, attempt: attempt + 1 })
    this.pump()
  }
}
