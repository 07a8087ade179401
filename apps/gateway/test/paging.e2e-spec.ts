/** A history is read to its end, page by page, in both directions: each publication once, in order, whatever is published meanwhile. */
import { describe, expect, it } from '@jest/globals'
import { dialects } from './dialect.js'
import type { Incoming, RawClient } from './harness.js'
import { wireBench } from './wire-bench.js'

interface Page {
  publications: { offset: number; data: number }[]
  offset: number
  epoch: string
}

/** A read that never ends would end the test by its time alone. */
const maxPages = 200

describe.each(dialects)('paging through a history, for clients that speak $name', (dialect) => {
  const { start, connect } = wireBench(dialect)
  let channels = 0

  const fresh = (namespace: string): string => {
    channels += 1
    return `${namespace}:paged-${channels}`
  }

  const publish = async (writer: RawClient, channel: string, from: number, to: number): Promise<void> => {
    const numbers = Array.from({ length: to - from }, (_, index) => from + index)
    await Promise.all(numbers.map((data) => writer.call('publish', { channel, data })))
  }

  const read = async (client: RawClient, channel: string, request: object): Promise<Page> => {
    const reply: Incoming = await client.call('history', { channel, ...request })
    return reply['history'] as Page
  }

  /** All pages until one is empty, each from the last publication of the one before. */
  const readAll = async (
    client: RawClient,
    channel: string,
    request: { limit: number; reverse?: boolean },
    between: () => Promise<unknown> = () => Promise.resolve(),
  ): Promise<Page[]> => {
    const pages: Page[] = []
    for (let since = {}; pages.length < maxPages;) {
      const page = await read(client, channel, { ...request, ...since })
      const last = page.publications.at(-1)
      if (last === undefined) return pages
      pages.push(page)
      since = { since: { offset: last.offset, epoch: page.epoch } }
      await between()
    }
    throw new Error(`no end after ${maxPages} pages`)
  }

  const numbersOf = (pages: readonly Page[]): number[] =>
    pages.flatMap(({ publications }) => publications.map(({ data }) => data))

  const range = (from: number, to: number): number[] =>
    Array.from({ length: to - from }, (_, index) => from + index)

  it.each([
    ['all that is kept', 'room', [-1, 97, 300, 1_000]],
    ['a capped history', 'deep', [-1, 190]],
  ])('[9.1] [9.15] [20.7] %s: 700 publications, forwards and backwards', async (_, namespace, limits) => {
    const channel = fresh(namespace)
    const client = await connect(await start())
    await publish(client, channel, 0, 350)
    await publish(client, channel, 350, 700)
    for (const limit of limits) {
      const most = limit < 0 ? 300 : Math.min(limit, 300)
      const forwards = await readAll(client, channel, { limit })
      expect(numbersOf(forwards)).toEqual(range(0, 700))
      expect(Math.max(...forwards.map(({ publications }) => publications.length))).toBe(most)
      const backwards = await readAll(client, channel, { limit, reverse: true })
      expect(numbersOf(backwards)).toEqual(range(0, 700).toReversed())
      const offsets = forwards.flatMap(({ publications }) => publications.map(({ offset }) => offset))
      expect(new Set(forwards.map(({ offset }) => offset))).toEqual(new Set([offsets.at(-1)]))
    }
  })

  it.each(['room', 'deep'])(
    '[9.1] in %s, while others publish: forwards up to what is newest at the end, backwards from what was newest at the beginning',
    async (namespace) => {
      const channel = fresh(namespace)
      const node = await start()
      const [client, writer] = [await connect(node), await connect(node)]
      let next = 400
      await publish(writer, channel, 0, next)
      const more = async (): Promise<void> => {
        if (next >= 600) return
        next += 20
        await publish(writer, channel, next - 20, next)
      }
      const backwards = await readAll(client, channel, { limit: 90, reverse: true }, more)
      expect(numbersOf(backwards)).toEqual(range(0, 400).toReversed())
      const forwards = await readAll(client, channel, { limit: 90 }, more)
      expect(next).toBe(600)
      expect(numbersOf(forwards)).toEqual(range(0, 600))
    },
  )

  it.each([false, true])(
    '[9.1] [20.8] publications that are large come in pages of 512 KiB, none left out (backwards: %j)',
    async (reverse) => {
      const channel = fresh('room')
      const client = await connect(await start())
      const padding = 'x'.repeat(60_000)
      for (const n of range(0, 25)) await client.call('publish', { channel, data: { n, padding } })
      const pages = await readAll(client, channel, { limit: -1, reverse })
      const seen = numbersOf(pages).map((data) => (data as unknown as { n: number }).n)
      expect(seen).toEqual(reverse ? range(0, 25).toReversed() : range(0, 25))
      const largest = Math.max(...pages.map((page) => JSON.stringify(page.publications).length))
      expect(largest).toBeLessThan(524_288 + 65_536)
      expect(pages.length).toBeGreaterThan(2)
    },
  )

  it('[9.1] limit 0 and no limit ask for the position alone, also in a channel that nobody has published into', async () => {
    const channel = fresh('room')
    const client = await connect(await start())
    const empty = await read(client, channel, {})
    expect(empty).toEqual({ publications: [], offset: expect.any(Number), epoch: expect.any(String) })
    expect(empty.epoch).not.toBe('')
    await publish(client, channel, 0, 3)
    const { publications } = await read(client, channel, { limit: -1 })
    const newest = { publications: [], offset: publications.at(-1)?.offset, epoch: empty.epoch }
    expect(await read(client, channel, { limit: 0 })).toEqual(newest)
    expect(await read(client, channel, { limit: 0, reverse: true })).toEqual(newest)
    expect(await read(client, channel, { since: { offset: 1, epoch: empty.epoch } })).toEqual(newest)
  })

  it('[9.15] since is exclusive, may have an empty epoch, and may lie before, behind or outside what is kept', async () => {
    const [all, capped] = [fresh('room'), fresh('capped')]
    const client = await connect(await start())
    await publish(client, all, 0, 5)
    await publish(client, capped, 0, 12)
    const data = async (channel: string, request: object): Promise<number[]> =>
      numbersOf([await read(client, channel, { limit: -1, ...request })])
    const { publications } = await read(client, all, { limit: -1 })
    const [first, , third, , last] = publications.map(({ offset }) => offset)
    const since = (offset: number | undefined): object => ({ since: { offset, epoch: '' } })
    expect(await data(all, since(third))).toEqual([3, 4])
    expect(await data(all, { ...since(third), reverse: true })).toEqual([1, 0])
    expect(await data(all, since(last))).toEqual([])
    expect(await data(all, { ...since(first), reverse: true })).toEqual([])
    expect(await data(all, since(0))).toEqual([0, 1, 2, 3, 4])
    expect(await data(all, since((last ?? 0) + 1_000))).toEqual([])
    expect(await data(all, { ...since((last ?? 0) + 1_000), reverse: true })).toEqual([4, 3, 2, 1, 0])
    expect(await data(capped, since(1))).toEqual([7, 8, 9, 10, 11]) // what came behind 1 is kept no longer
    expect(await data(capped, { reverse: true })).toEqual([11, 10, 9, 8, 7])
  })
})
