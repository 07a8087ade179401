import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Hub } from './hub.js'

interface Connection {
  id: string
  user: string
}

describe('the hub', () => {
  it('forgets a removed connection wherever it was, so that nothing is sent to the dead', () => {
    const hub = new Hub<Connection, string>()
    const ana = { id: '1', user: 'ana' }
    hub.add(ana)
    hub.subscribe(ana, 'a', 'first')
    hub.subscribe(ana, 'b', 'second')
    expect(hub.remove(ana).toSorted()).toEqual(['a', 'b'])
    expect(hub.subscribers('a').size).toBe(0)
    expect(hub.channelCount).toBe(0)
    expect(hub.remove(ana)).toEqual([])
  })

  it('counts exactly what a naive model counts, after any order of calls', () => {
    const call = fc.record({
      verb: fc.constantFrom('add', 'remove', 'subscribe', 'subscribe', 'subscribe', 'unsubscribe'),
      id: fc.integer({ min: 0, max: 3 }),
      channel: fc.constantFrom('a', 'b', 'c'),
    })
    fc.assert(
      fc.property(fc.array(call, { maxLength: 60, size: 'max' }), (calls) => {
        const hub = new Hub<Connection, number>()
        const connections = [0, 1, 2, 3].map((n) => ({
          id: String(n),
          user: ['ana', 'ana', 'ana', ''][n] ?? '',
        }))
        const present = new Set(connections.map(({ id }) => id))
        const model = new Set<string>()
        for (const connection of connections) hub.add(connection)
        for (const { verb, id, channel } of calls) {
          const connection = connections[id]
          if (connection === undefined) continue
          const key = `${id} ${channel}`
          if (verb === 'add') {
            hub.add(connection)
            present.add(connection.id)
          } else if (verb === 'remove') {
            hub.remove(connection)
            present.delete(connection.id)
            for (const entry of model) if (entry.startsWith(`${id} `)) model.delete(entry)
          } else if (!present.has(connection.id)) continue
          else if (verb === 'subscribe') {
            hub.subscribe(connection, channel, id)
            model.add(key)
          } else expect(hub.unsubscribe(connection, channel)).toBe(model.delete(key))
        }
        expect(hub.subscriptionCount).toBe(model.size)
        expect(hub.connectionCount).toBe(present.size)
        expect(hub.channelCount).toBe(new Set([...model].map((entry) => entry.split(' ')[1])).size)
        const ofAna = connections.filter(({ id, user }) => user === 'ana' && present.has(id))
        expect(new Set(hub.connectionsOf('ana'))).toEqual(new Set(ofAna))
        expect(hub.connectionsOf('')).toEqual([])
        for (const channel of ['a', 'b', 'c']) {
          const there = [...model].filter((entry) => entry.endsWith(` ${channel}`)).toSorted()
          const found = [...hub.subscribers(channel)].map(([{ id }, value]) => [`${id} ${channel}`, value])
          expect(found.toSorted()).toEqual(there.map((entry) => [entry, Number(entry[0])]))
          expect(hub.subscriberCount(channel)).toBe(there.length)
        }
        for (const connection of connections) {
          const mine = [...model].filter((entry) => entry.startsWith(`${connection.id} `))
          expect(hub.channelCountOf(connection)).toBe(mine.length)
          expect(hub.channelsOf(connection).map((channel) => `${connection.id} ${channel}`)).toEqual(
            expect.arrayContaining(mine),
          )
          for (const entry of mine)
            expect(hub.subscription(connection, entry[2] ?? '')).toBe(Number(connection.id))
        }
      }),
    )
  })

  it('keeps the newest subscription of a connection to a channel, for whoever ends it must find that one', () => {
    for (const others of [0, 1]) {
      const hub = new Hub<Connection, string>()
      const [ana, ben] = [
        { id: '1', user: 'ana' },
        { id: '2', user: 'ben' },
      ] as const
      if (others === 1) hub.subscribe(ben, 'a', 'of ben')
      hub.subscribe(ana, 'a', 'first')
      hub.subscribe(ana, 'a', 'second')
      expect(hub.subscription(ana, 'a')).toBe('second')
      expect([hub.subscriberCount('a'), hub.subscriptionCount]).toEqual([others + 1, others + 1])
    }
  })
})
