import { describe, expect, it } from '@jest/globals'
import type { Centrifuge } from 'centrifuge'
import { EventEmitter } from 'node:events'
import { call } from './call.js'

/** An SDK client whose server is the test. */
class FakeClient extends EventEmitter {
  readonly asked: { method: string; data: unknown }[] = []
  reply!: (data: unknown) => void
  refuse!: (error: unknown) => void

  rpc(method: string, data: unknown): Promise<{ data: unknown }> {
    this.asked.push({ method, data })
    return new Promise((resolve, reject) => {
      this.reply = (value) => resolve({ data: value })
      this.refuse = reject
    })
  }

  progress(id: string, data: unknown): void {
    this.emit('publication', { channel: '#ana', data, tags: { call: id } })
  }

  get sdk(): Centrifuge {
    return this as unknown as Centrifuge
  }
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = []
  for await (const value of source) values.push(value)
  return values
}

describe('a call', () => {
  it('is an rpc under a name of its own, and its reply is the reply', async () => {
    const client = new FakeClient()
    const running = call(client.sdk, 'report.build', { of: 'may' })
    expect(client.asked).toEqual([{ method: `report.build#${running.id}`, data: { of: 'may' } }])
    client.reply({ pages: 3 })
    expect(await running).toEqual({ pages: 3 })
  })

  it('has a name where a page came over plain http, too: browsers have no randomUUID there', () => {
    const { randomUUID } = crypto
    Object.defineProperty(crypto, 'randomUUID', { value: undefined, configurable: true })
    try {
      const [one, other] = [call(new FakeClient().sdk, 'a'), call(new FakeClient().sdk, 'a')]
      expect(one.id).toMatch(/^[\da-f]{24}$/)
      expect(one.id).not.toBe(other.id)
    } finally {
      Object.defineProperty(crypto, 'randomUUID', { value: randomUUID, configurable: true })
    }
  })

  it('tells its own progress in order, what came before somebody read included, and ends with the reply', async () => {
    const client = new FakeClient()
    const running = call<string, number>(client.sdk, 'report.build')
    client.progress(running.id, 10)
    client.progress('of another call', 99)
    const read = all(running)
    await Promise.resolve()
    client.progress(running.id, 50)
    client.reply('done')
    expect(await read).toEqual([10, 50])
    expect(await running).toBe('done')
  })

  it('that fails throws where it is read and where it is awaited, after the progress that came', async () => {
    const client = new FakeClient()
    const running = call<string, number>(client.sdk, 'report.build')
    client.progress(running.id, 10)
    const seen: number[] = []
    const read = (async () => {
      for await (const value of running) seen.push(value)
    })()
    client.refuse({ code: 404, message: 'no such report' })
    await expect(read).rejects.toMatchObject({ code: 404 })
    await expect(running).rejects.toMatchObject({ code: 404 })
    expect(seen).toEqual([10])
  })

  it('that is read by two ends for both', async () => {
    const client = new FakeClient()
    const running = call<string, number>(client.sdk, 'report.build')
    const reads = [all(running), all(running)]
    await Promise.resolve()
    client.progress(running.id, 1)
    client.reply('done')
    expect((await Promise.all(reads)).flat()).toEqual([1])
  })

  it('leaves no listener behind, however it ended: a page makes thousands of calls', async () => {
    const client = new FakeClient()
    const first = call(client.sdk, 'a')
    client.reply(1)
    await first
    const second = call(client.sdk, 'b')
    client.refuse(new Error('no'))
    await expect(second).rejects.toThrow('no')
    expect(client.listenerCount('publication')).toBe(0)
  })

  it('keeps the newest thousand of what nobody reads, and no more', async () => {
    const client = new FakeClient()
    const running = call<string, number>(client.sdk, 'report.build')
    for (let i = 0; i < 1_200; i += 1) client.progress(running.id, i)
    client.reply('done')
    const seen = await all(running)
    expect([seen.length, seen[0], seen.at(-1)]).toEqual([1_000, 200, 1_199])
  })
})
