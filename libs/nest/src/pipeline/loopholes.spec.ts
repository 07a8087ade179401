import { describe, expect, it } from '@jest/globals'
import { refusalOf } from '@natter/hooks'
import { z } from 'zod'
import { at, valueOf } from '../../test/fake-driver.js'
import { running } from '../../test/running.js'
import { ChannelController, NatterServer, OnPublish, OnVacated, Rpc } from '../index.js'
import { clientErrorOf } from './client-errors.js'
import { replyOf } from './decisions.js'

describe('a schema that answers later', () => {
  const free = z.object({ name: z.string() }).refine(({ name }) => Promise.resolve(name !== 'taken'), 'taken')

  it('is waited for: what it refuses reaches no handler, and what it lets through is what it made', async () => {
    const got: unknown[] = []
    @ChannelController('chat')
    class Chat {
      @OnPublish(':room', { schema: free }) publish(message: { name: string }) {
        got.push(message)
        return message
      }
    }
    const { driver } = await running({ controllers: [Chat] })
    expect(await driver.client.publish('chat:1', { name: 'taken' })).toMatchObject({
      error: { code: 107, message: 'taken' },
    })
    const reply = await driver.client.publish('chat:1', { name: 'ann', role: 'admin' })
    expect('decision' in reply && valueOf(reply.decision.data)).toEqual({ name: 'ann' })
    expect(got).toEqual([{ name: 'ann' }])
  })

  it('holds for what is stored and replied too: also where the handler leaves what was sent as it is', async () => {
    @ChannelController('chat')
    class Chat {
      @OnPublish(':room', { stores: free }) publish(): { name: string } {
        return undefined as never // as JavaScript might
      }
      @Rpc('name', { reply: free }) name() {
        return { name: 'ann', secret: 1 }
      }
    }
    const { driver } = await running({ controllers: [Chat] })
    expect(await driver.client.publish('chat:1', { name: 'taken' })).toMatchObject({ error: { code: 100 } })
    const stored = await driver.client.publish('chat:1', { name: 'ann', secret: 1 })
    expect('decision' in stored && valueOf(stored.decision.data)).toEqual({ name: 'ann' })
    const reply = await driver.client.rpc('name')
    expect('decision' in reply && valueOf(reply.decision.data)).toEqual({ name: 'ann' })
  })
})

describe('an event with several handlers', () => {
  it.each([
    ['first', 0],
    ['last', 1],
  ])('is told again when the %s of them failed: it would be lost for that one', async (_, failing) => {
    const heard = [0, 0]
    const hear = (one: number) => {
      heard[one]! += 1
      if (one === failing) throw new Error('not now')
    }
    @ChannelController('chat')
    class Chat {
      @OnVacated(':room') one() {
        hear(0)
      }
      @OnVacated(':any') two() {
        hear(1)
      }
    }
    const { driver, app } = await running({ controllers: [Chat] })
    const event = { kind: 'vacated', id: 'e1', atMs: 0, ...at('chat:1') } as const
    await expect(driver.tell(event)).rejects.toMatchObject({ code: 'event-failed' })
    expect(heard).toEqual([1, 1])
    expect(app.get(NatterServer).inFlight).toBe(0)
  })
})

describe('what an app never meant to say', () => {
  it.each([404, 500, 1_999])('an error of a library with the code %d tells the client nothing', (code) => {
    const thrown = Object.assign(new Error('connect to db at 10.0.0.7 failed'), { code })
    expect(refusalOf(clientErrorOf(thrown))).toEqual({
      error: { code: 100, message: 'internal server error', temporary: true },
    })
  })

  it.each([{ allowed: false }, [], 'no', 0, null])(
    '%j of a presence or history hook is no yes: a verdict in a shape nobody reads would be one',
    (result) => {
      for (const kind of ['presence', 'history'] as const)
        expect(() => replyOf(kind, result, 'json')).toThrow('nothing for yes')
    },
  )
})
