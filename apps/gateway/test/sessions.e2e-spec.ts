import { describe, expect, it, jest } from '@jest/globals'
import { memoryBench } from './bench.js'
import { FakeApp, held } from './fake-app.js'
import { RawClient } from './harness.js'
import { openAfter } from '../src/sessions/session-ops.js'

describe('clients whose end an app wants to hear', () => {
  const bench = memoryBench()

  const start = async (events: string[]) => {
    const app = new FakeApp({}, events)
    const node = await bench.start({ hooks: app })
    const { journal, subjects } = node.broker
    const append = journal.append.bind(journal)
    const isOpen = async (): Promise<number> => {
      const [mine] = await journal.subjects(subjects.allSessions)
      return mine === undefined ? 0 : openAfter((await journal.read(mine)).map(({ body }) => body)).length
    }
    /** Nothing is stored until it is let go. */
    const hold = (): (() => void) => {
      const { answer, give } = held<undefined>()
      jest.spyOn(journal, 'append').mockImplementation(async (...args) => {
        await answer
        return append(...args)
      })
      return () => give(undefined)
    }
    return { app, node, hold, isOpen }
  }

  const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50))

  it('are not told that they are in before it is written down, or a gateway that dies then would owe it to nobody', async () => {
    const { node, hold, isOpen } = await start(['disconnect', 'unsubscribe room'])
    const letGo = hold()
    const client = await bench.keep(RawClient.open(node.url))
    const id = client.start('connect', {})
    await settled()
    expect(client.received).toEqual([])
    letGo()
    expect((await client.reply(id))['connect']).toBeDefined()
    expect(await isOpen()).toBe(1)
    const again = hold()
    const subscribing = client.start('subscribe', { channel: 'room:a' })
    const other = await client.call('subscribe', { channel: 'deep:a' }) // nobody wants to hear of that
    expect(other).toMatchObject({ subscribe: {} })
    expect(client.received.some((one) => one['id'] === subscribing)).toBe(false)
    again()
    expect((await client.reply(subscribing))['subscribe']).toBeDefined()
    expect(await isOpen()).toBe(2)
  })

  it('leave nothing behind when they go while it is written, and nobody is told that they left', async () => {
    const { app, node, hold, isOpen } = await start(['disconnect'])
    const letGo = hold()
    const client = await bench.keep(RawClient.open(node.url))
    client.start('connect', {})
    await settled()
    client.end()
    while (node.gateway.connectionCount > 0) await settled()
    letGo()
    while ((await isOpen()) > 0) await settled()
    expect(app.told).toEqual([])
    expect(node.gateway.openSessions).toBe(0)
  })

  it('of a mesh without such an app are written down nowhere', async () => {
    const { node } = await start([])
    const client = await bench.connect(node)
    await client.call('subscribe', { channel: 'room:a' })
    expect(await node.broker.journal.subjects('>')).toEqual([])
    expect(node.gateway.openSessions).toBe(0)
  })
})
