import { describe, expect, it } from '@jest/globals'
import { UnavailableError } from '@natter/primitives'
import fc from 'fast-check'
import { ApiRefusal } from './api-client.js'
import { followHistory, type FollowOptions } from './follow-history.js'
import type { ApiPublication, HistoryPage } from './methods.js'
import { readHistory, type HistoryQuery } from './read-history.js'

/** A channel as the API shows it: pages are bounded, offsets have holes, what is too old is gone. */
class Channel {
  readonly all: ApiPublication[] = []
  epoch = 'e1'
  top = 0
  /** Publications before this offset are gone. */
  floor = 0
  isAway = false
  pageSize = 3

  publish(step = 1): number {
    this.top += step
    this.all.push({ data: `${this.epoch}-${this.top}`, offset: this.top })
    return this.top
  }

  numberAnew(): void {
    this.epoch = `e${Number(this.epoch.slice(1)) + 1}`
    this.all.length = 0
    this.top = 0
    this.floor = 0
  }

  readonly ask = ({ limit, reverse = false, since }: HistoryQuery): Promise<HistoryPage> => {
    if (this.isAway) return Promise.reject(new UnavailableError('api-unreachable', 'Nobody listens.'))
    if (since !== undefined && since.epoch !== '' && since.epoch !== this.epoch)
      return Promise.reject(new ApiRefusal(112, 'unrecoverable position'))
    const kept = this.all.filter(({ offset }) => offset >= this.floor)
    const ordered = reverse ? kept.toReversed() : kept
    const from = ordered.filter(({ offset }) =>
      since === undefined ? true : reverse ? offset < since.offset : offset > since.offset,
    )
    const publications = from.slice(0, Math.min(limit, this.pageSize))
    return Promise.resolve({ publications, offset: this.top, epoch: this.epoch })
  }
}

interface Followed {
  given: unknown[]
  warnings: string[]
}

/** Follows while `steps` happen, one between two questions. */
async function follow(
  channel: Channel,
  options: Partial<FollowOptions>,
  steps: readonly (() => void)[],
): Promise<Followed> {
  const given: unknown[] = []
  const warnings: string[] = []
  const left = [...steps]
  let isOver = false
  await followHistory(
    {
      ask: channel.ask,
      wait: () => {
        const step = left.shift()
        step?.()
        isOver = step === undefined
        return Promise.resolve()
      },
      give: ({ data }) => given.push(data),
      warn: (code) => warnings.push(code),
      isOver: () => isOver,
    },
    { limit: 100, since: undefined, intervalMs: 1, ...options },
  )
  return { given, warnings }
}

const times = (count: number, act: () => void): void => {
  for (let i = 0; i < count; i += 1) act()
}

const settle = (): void => {} // a question more, after the last change

describe('a history', () => {
  it('is read over as many pages as it takes, in either direction', async () => {
    const channel = new Channel()
    times(10, () => channel.publish(3))
    const offsets = async (query: HistoryQuery) =>
      (await readHistory(channel.ask, query)).publications.map(({ offset }) => offset)
    expect(await offsets({ limit: 100 })).toEqual([3, 6, 9, 12, 15, 18, 21, 24, 27, 30])
    expect(await offsets({ limit: 4, reverse: true })).toEqual([30, 27, 24, 21])
    expect(await offsets({ limit: 4, since: { offset: 10, epoch: '' } })).toEqual([12, 15, 18, 21])
    expect(await offsets({ limit: 0 })).toEqual([])
    expect((await readHistory(channel.ask, { limit: 0 })).offset).toBe(30)
  })
})

describe('a history that is followed', () => {
  it('gives what is there, and then each publication once, through every sort of failure that loses none', async () => {
    const event = fc.oneof(
      { weight: 6, arbitrary: fc.record({ is: fc.constant('publish' as const), count: fc.nat(12) }) },
      { weight: 2, arbitrary: fc.record({ is: fc.constant('away' as const), count: fc.nat(1) }) },
      { weight: 2, arbitrary: fc.record({ is: fc.constant('quiet' as const), count: fc.nat(1) }) },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 12 }),
        fc.nat(8),
        fc.integer({ min: 1, max: 400 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }),
        async (events, before, pageSize, gaps) => {
          const channel = new Channel()
          channel.pageSize = pageSize + 1 // one page has to hold the last one again, and a new one
          let published = 0
          const publish = (): void => void channel.publish(gaps[published++ % gaps.length])
          times(before, publish)
          const steps = events.map(({ is, count }) => () => {
            channel.isAway = is === 'away'
            if (is !== 'quiet') times(count, publish)
          })
          const back = (): void => void (channel.isAway = false)
          const { given, warnings } = await follow(channel, {}, [...steps, back, settle])
          expect(given).toEqual(channel.all.map(({ data }) => data))
          expect(warnings).not.toContain('history-perhaps-missed')
        },
      ),
    )
  })

  it('begins behind a position, or with as many of the newest as are asked for', async () => {
    const channel = new Channel()
    times(9, () => channel.publish())
    const more = (): void => void channel.publish()
    expect((await follow(channel, { limit: 2 }, [more, settle])).given).toEqual(['e1-8', 'e1-9', 'e1-10'])
    expect((await follow(channel, { limit: 0 }, [more, settle])).given).toEqual(['e1-11'])
    const since = { offset: 9, epoch: 'e1' }
    expect((await follow(channel, { since }, [more, settle])).given).toEqual(['e1-10', 'e1-11', 'e1-12'])
  })

  it('says that some may be missing where the last one given is gone and newer ones are there', async () => {
    const channel = new Channel()
    times(3, () => channel.publish())
    const { given, warnings } = await follow(channel, {}, [
      () => {
        times(20, () => channel.publish())
        channel.floor = 15
      },
      settle,
    ])
    expect(warnings).toEqual(['history-perhaps-missed'])
    expect(given.slice(0, 4)).toEqual(['e1-1', 'e1-2', 'e1-3', 'e1-15'])
    expect(given.at(-1)).toBe('e1-23')
  })

  it('says nothing where the last one is gone and nothing came, because nothing is missing', async () => {
    const channel = new Channel()
    channel.publish()
    const { warnings } = await follow(channel, {}, [() => void (channel.floor = 9), settle])
    expect(warnings).toEqual([])
  })

  it('begins anew, and says it, where the channel is numbered anew', async () => {
    const channel = new Channel()
    times(3, () => channel.publish())
    const { given, warnings } = await follow(channel, {}, [
      () => {
        channel.numberAnew()
        times(5, () => channel.publish())
      },
      settle,
      settle,
    ])
    expect(warnings).toEqual(['history-restarted'])
    expect(given).toEqual(['e1-1', 'e1-2', 'e1-3', 'e2-1', 'e2-2', 'e2-3', 'e2-4', 'e2-5'])
  })

  it('says once that nobody answers, and once that somebody does again', async () => {
    const channel = new Channel()
    const { warnings } = await follow(channel, {}, [
      () => void (channel.isAway = true),
      settle,
      settle,
      () => void (channel.isAway = false),
      settle,
    ])
    expect(warnings).toEqual(['api-unreachable', 'api-again'])
  })

  it('ends with what the first question says, because then it is a wrong address and no restart', async () => {
    const channel = new Channel()
    channel.isAway = true
    await expect(follow(channel, {}, [settle])).rejects.toThrow('Nobody listens')
  })

  it('ends with what a repeat can’t mend', async () => {
    const channel = new Channel()
    const { ask } = channel
    let isRefused = false
    const refusing = Object.assign(Object.create(channel) as Channel, {
      ask: (query: HistoryQuery) =>
        isRefused ? Promise.reject(new ApiRefusal(108, 'not available')) : ask(query),
    })
    await expect(follow(refusing, {}, [() => void (isRefused = true), settle])).rejects.toThrow(
      'not available',
    )
  })
})
