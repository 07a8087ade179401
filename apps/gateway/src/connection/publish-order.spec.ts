import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Connection } from './connection.js'
import { PublishOrder } from './publish-order.js'

const [ana, ben] = [{ id: 'ana' }, { id: 'ben' }] as unknown as [Connection, Connection]
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the line of publications', () => {
  it('lets each go when all before it are done, whatever the order in which they finish (L1, L3)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { minLength: 1, maxLength: 12, size: 'max' }), async (keys) => {
        const order = new PublishOrder()
        const went: number[] = []
        const places = keys.map((_, index) => {
          const place = order.enter(ana, 'a')
          void place.before.then(() => went.push(index))
          return place
        })
        const finishing = keys.map((key, index) => [key, index] as const).toSorted((x, y) => x[0] - y[0])
        const finished = new Set<number>()
        for (const [, index] of finishing) {
          await settle()
          const first = keys.findIndex((_, at) => !finished.has(at))
          expect(went).toEqual(keys.map((_, at) => at).slice(0, first + 1))
          finished.add(index)
          places[index]?.done()
        }
        await settle()
        expect(order.size).toBe(0)
      }),
    )
  })

  it('holds up no other channel and no other connection (L2)', async () => {
    const order = new PublishOrder()
    order.enter(ana, 'a')
    const went: string[] = []
    void order.enter(ana, 'b').before.then(() => went.push('ana b'))
    void order.enter(ben, 'a').before.then(() => went.push('ben a'))
    void order.enter(ana, 'a').before.then(() => went.push('ana a'))
    await settle()
    expect(went).toEqual(['ana b', 'ben a'])
    expect([order.isWaiting(ana, 'a'), order.isWaiting(ana, 'c')]).toEqual([true, false])
  })
})
