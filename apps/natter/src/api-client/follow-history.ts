/**
 * A history that goes on, by asking again and again.
 *
 * FH1. Each publication is given once, oldest first: a page is asked from behind the last one given, and what isn't newer is passed over.
 * FH2. The last one given is asked for again with what follows it. Where it is still there, the page behind it is whole; where it is gone
 *      and newer ones are there, some may have gone with it, and that is said.
 * FH3. While nobody answers it asks on, with growing waits; nothing is lost, because it asks from where it was.
 * FH4. A channel that was numbered anew is given from its beginning, and that is said.
 */
import { UnavailableError } from '@natter/primitives'
import type { Position } from '../cli/values.js'
import { ApiRefusal } from './api-client.js'
import type { ApiPublication } from './methods.js'
import { readHistory, type AskHistory } from './read-history.js'

export interface FollowParts {
  readonly ask: AskHistory
  /** Resolves when it is time to ask again; rejects or resolves early when it is over. */
  readonly wait: (ms: number) => Promise<void>
  readonly give: (publication: ApiPublication) => void
  readonly warn: (code: string, sentence: string) => void
  readonly isOver: () => boolean
}

export interface FollowOptions {
  /** Of what is there already. */
  readonly limit: number
  readonly since: Position | undefined
  readonly intervalMs: number
}

/** As many are asked for at once. */
const pageSize = 300
const longestWaitMs = 5_000

/** Ends when it is over. @throws what the first question throws, and later what a repeat can't mend. */
export async function followHistory(parts: FollowParts, options: FollowOptions): Promise<void> {
  const follower = new Follower(parts, options)
  await follower.begin()
  while (!parts.isOver()) {
    await parts.wait(follower.waitMs)
    if (!parts.isOver()) await follower.goOn()
  }
}

class Follower {
  private position: Position = { offset: 0, epoch: '' }
  /** FH2. Undefined: none was given in this numbering. */
  private last: number | undefined
  private failures = 0

  constructor(
    private readonly parts: FollowParts,
    private readonly options: FollowOptions,
  ) {}

  get waitMs(): number {
    const { intervalMs } = this.options
    return this.failures === 0
      ? intervalMs
      : Math.max(intervalMs, Math.min(longestWaitMs, 250 * 2 ** this.failures))
  }

  async begin(): Promise<void> {
    const { limit, since } = this.options
    if (since !== undefined) {
      this.position = since
      return await this.drain()
    }
    const { publications, offset, epoch } = await readHistory(this.parts.ask, { limit, reverse: limit > 0 })
    this.position = { offset, epoch }
    for (const one of publications.toReversed()) this.give(one)
  }

  /** FH3 */
  async goOn(): Promise<void> {
    try {
      await this.drain()
      if (this.failures > 0) this.parts.warn('api-again', 'The API answers again.')
      this.failures = 0
    } catch (error) {
      if (this.parts.isOver()) return
      if (error instanceof ApiRefusal && error.number === 112) return this.startOver()
      if (!(error instanceof UnavailableError)) throw error
      if (this.failures === 0) this.parts.warn(error.code, `${error.message} Goes on when it answers.`)
      this.failures += 1
    }
  }

  /** Until nothing is left to give. */
  private async drain(): Promise<void> {
    for (;;) {
      const { last } = this
      const since = last === undefined ? this.position : { ...this.position, offset: last - 1 } // FH2
      const page = await this.parts.ask({ limit: pageSize + (last === undefined ? 0 : 1), since })
      const fresh = page.publications.filter(({ offset }) => offset > this.position.offset) // FH1
      const isGone = last !== undefined && page.publications[0]?.offset !== last
      if (isGone && fresh.length > 0) this.warnOfHole(last)
      for (const one of fresh) this.give(one)
      this.position = { offset: this.position.offset, epoch: page.epoch }
      if (fresh.length === 0 || this.position.offset >= page.offset || this.parts.isOver()) return
    }
  }

  private give(publication: ApiPublication): void {
    this.parts.give(publication)
    this.last = publication.offset
    this.position = { ...this.position, offset: Math.max(this.position.offset, publication.offset) }
  }

  private warnOfHole(last: number): void {
    this.parts.warn(
      'history-perhaps-missed',
      `Publications behind offset ${last} may be missing here: the channel no longer keeps it. Ask more often (--interval), or let it keep more.`,
    )
  }

  /** FH4 */
  private startOver(): void {
    this.parts.warn('history-restarted', 'The channel is numbered anew: what follows is all that it has now.')
    this.position = { offset: 0, epoch: '' }
    this.last = undefined
    this.failures = 0
  }
}
