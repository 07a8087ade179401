import type { FilterNode } from 'centrifuge'
import { has, same } from '../same.js'
import type { Law } from '../world.js'

type Tags = Record<string, string>

const trades: readonly Tags[] = [
  { ticker: 'AAPL', price: '99.5' },
  { ticker: 'AAPL', price: '100.25' },
  { ticker: 'BTC', price: '60000' },
  { ticker: 'ETH', price: '3000', exchange: 'münchen' },
  {},
]

/** Which of the trades each filter lets through. */
const filters: readonly (readonly [string, FilterNode, readonly number[]])[] = [
  ['eq', { key: 'ticker', cmp: 'eq', val: 'AAPL' }, [0, 1]],
  ['neq', { key: 'ticker', cmp: 'neq', val: 'AAPL' }, [2, 3, 4]],
  ['in', { key: 'ticker', cmp: 'in', vals: ['BTC', 'ETH'] }, [2, 3]],
  ['nin', { key: 'ticker', cmp: 'nin', vals: ['BTC', 'ETH'] }, [0, 1, 4]],
  ['ex', { key: 'exchange', cmp: 'ex' }, [3]],
  ['nex', { key: 'ticker', cmp: 'nex' }, [4]],
  ['sw', { key: 'ticker', cmp: 'sw', val: 'A' }, [0, 1]],
  ['ew', { key: 'exchange', cmp: 'ew', val: 'chen' }, [3]],
  ['ct', { key: 'exchange', cmp: 'ct', val: 'ün' }, [3]],
  ['lt', { key: 'price', cmp: 'lt', val: '100' }, [0]],
  ['gte', { key: 'price', cmp: 'gte', val: '3000.0' }, [2, 3]],
  [
    'and, or, not',
    {
      op: 'or',
      nodes: [
        {
          op: 'and',
          nodes: [
            { key: 'ticker', cmp: 'eq', val: 'AAPL' },
            { key: 'price', cmp: 'gt', val: '100' },
          ],
        },
        { op: 'not', nodes: [{ key: 'ticker', cmp: 'ex' }] },
      ],
    },
    [1, 4],
  ],
]

/** None of them has the SDK's type: written by hand, as a page without types would. */
const malformed = [
  ['an operator that is none', { op: 'xor', nodes: [] }],
  ['a comparison that is none', { key: 'a', cmp: 'like', val: 'b' }],
  ['nothing to compare', { cmp: 'eq', val: 'b' }],
  ['a list without values', { key: 'a', cmp: 'in' }],
  ['a value for ex', { key: 'a', cmp: 'ex', val: 'b' }],
  ['no value for eq', { key: 'a', cmp: 'eq' }],
  [
    'not of two',
    {
      op: 'not',
      nodes: [
        { key: 'a', cmp: 'ex' },
        { key: 'b', cmp: 'ex' },
      ],
    },
  ],
  ['and of none', { op: 'and', nodes: [] }],
] as unknown as readonly (readonly [string, FilterNode])[]

export const filterLaws: readonly Law[] = [
  {
    title:
      '[14.1] [14.2] a subscriber gets the publications whose tags pass its filter, each comparison as documented',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('tagged')
      // one connection has one subscription to a channel: a client for each filter would be slow, so a channel for each
      const all = await Promise.all(
        filters.map(async ([name, tagsFilter, expected], n) => {
          const own = `${channel}-${n}`
          return { name, own, expected, watched: await client.subscribe(own, { tagsFilter }) }
        }),
      )
      for (const { name, own, expected, watched } of all) {
        await Promise.all(trades.map((tags, n) => world.server.publish(own, n, tags)))
        // the last one passes: when it is there, all before it have been decided
        same(
          (await watched.publications.atLeast(expected.length)).map(({ data }) => data).toSorted(),
          expected,
          name,
        )
      }
      const { publications } = await client.history(`${channel}-0`, { limit: 100 })
      same(publications.length, trades.length, 'history is not filtered')
      const tagged = await all[0]!.watched.publications.first(({ data }) => data === 1)
      same(tagged.tags, trades[1])
    },
  },
  {
    title: '[14.3] what was filtered out is no hole: recovery is filtered too, and finds nothing missing',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('tagged')
      const even = { key: 'kind', cmp: 'eq', val: 'even' } as const
      const watched = await client.subscribe(channel, { tagsFilter: even })
      const publish = (n: number): Promise<void> =>
        world.server.publish(channel, n, { kind: n % 2 === 0 ? 'even' : 'odd' })
      for (const n of [0, 1, 2, 3]) await publish(n)
      await watched.data(2)
      await world.server.refuse(true)
      await world.server.cut()
      await client.connecting.at(1)
      for (const n of [4, 5, 6, 7]) await publish(n)
      await world.server.refuse(false)
      has(await watched.subscribed.at(1), { wasRecovering: true, recovered: true })
      for (const n of [8, 9, 10]) await publish(n)
      same(await watched.data(6), [0, 2, 4, 6, 8, 10])
    },
  },
  {
    title: '[14.1] a filter may be changed: the next subscribe has the new one',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('tagged')
      const of = (val: string) => ({ key: 'kind', cmp: 'eq', val }) as const
      const watched = await client.subscribe(channel, { tagsFilter: of('a') })
      await world.server.publish(channel, 1, { kind: 'a' })
      await watched.data(1)
      watched.sdk.unsubscribe()
      await watched.unsubscribed.at(0)
      watched.sdk.setTagsFilter(of('b'))
      await watched.subscribe()
      await world.server.publish(channel, 2, { kind: 'a' })
      await world.server.publish(channel, 3, { kind: 'b' })
      same(await watched.data(2), [1, 3])
    },
  },
  {
    title:
      '[14.1] a filter that is none is refused with 107, and so is any where the namespace has no filters',
    async run(world) {
      const client = world.client()
      await client.connect()
      for (const [name, tagsFilter] of malformed) {
        const watched = client.watch(world.channel('tagged'), { tagsFilter })
        watched.sdk.subscribe()
        has(await watched.unsubscribed.at(0), { code: 107 }, name)
      }
      const elsewhere = client.watch(world.channel('room'), { tagsFilter: { key: 'a', cmp: 'ex' } })
      elsewhere.sdk.subscribe()
      has(await elsewhere.unsubscribed.at(0), { code: 107 })
      same(client.connecting.entries.length, 1)
    },
  },
]
