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
      verb: fc.constantFrom('add', 'remove', 'subscribe', 'unsubscribe'),
      id: fc.integer({ min: 0, max: 3 }),
      channel: fc.constantFrom('a', 'b', 'c'),
    })
    fc.assert(
      fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
        const hub = new Hub<Connection, number>()
        const connections = [0, 1, 2, 3].map((n) => ({
          id: String(n),
          user: ['ana', 'ana', 'ana', ''][n] ?? '',
        }))
        const present = new Set<string>()
        const model = new Set<string>()
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
        for (const connection of connections) {
          const mine = [...model].filter((entry) => entry.startsWith(`${connection.id} `))
          expect(hub.channelCountOf(connection)).toBe(mine.length)
        }
      }),
    )
  })
})
