import {
  ChannelFeed,
  defaultFeedOptions,
  type FeedOptions,
  type HealRange,
  type LogMessage,
} from '../src/index.js'
import { ManualClock } from './manual-clock.js'

/** A feed whose owner only writes down what it is told. */
export class FeedBench {
  readonly clock = new ManualClock()
  readonly delivered: number[] = []
  readonly reads: HealRange[] = []
  readonly told: string[] = []
  readonly feed: ChannelFeed<LogMessage>
  /** What the owner does in the turn in which it is told. */
  onDeliver = (_message: LogMessage): void => {}
  onBroken = (): void => {}

  constructor(options: Partial<FeedOptions> = {}) {
    this.feed = new ChannelFeed<LogMessage>(
      {
        deliver: (message) => {
          this.delivered.push(message.seq)
          this.onDeliver(message)
        },
        heal: (range) => void this.reads.push(range),
        live: () => void this.told.push('live'),
        broken: (reason) => {
          this.told.push(reason)
          this.onBroken()
        },
        idle: () => void this.told.push('idle'),
      },
      this.clock,
      { ...defaultFeedOptions, ...options },
    )
  }

  openAt(position: number): this {
    this.feed.open()
    this.feed.opened(position)
    return this
  }

  receive(seq: number, prev: number, timeNs = BigInt(seq)): this {
    this.feed.receive({ seq, prev, timeNs, bytes: 10 })
    return this
  }

  /** Answers the newest read. */
  answer(...seqs: number[]): this {
    const messages = seqs.map((seq) => ({ seq, prev: 0, timeNs: BigInt(seq), bytes: 10 }))
    this.feed.readDone(this.reads.at(-1)?.question ?? 0, messages)
    return this
  }

  fail(): this {
    this.feed.readDone(this.reads.at(-1)?.question ?? 0, undefined)
    return this
  }
}
