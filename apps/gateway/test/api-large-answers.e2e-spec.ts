import { afterEach, describe, expect, it } from '@jest/globals'
import { ApiClient } from '@natter/hooks'
import { startNatsServer } from '@natter/testing'
import { natsBench } from './bench.js'

describe('an answer to an app that is larger than NATS carries', () => {
  const bench = natsBench()
  const apis: ApiClient[] = []

  afterEach(() => {
    for (const api of apis.splice(0)) api.stop()
  })

  it('is refused with a word about it, and the gateway serves on: its sockets are nobody else’s business', async () => {
    await bench.nats.stop()
    bench.nats = await startNatsServer({ config: 'max_payload: 65536' })
    await bench.start()
    const api = new ApiClient({ broker: await bench.open() })
    api.start()
    apis.push(api)
    const data = Buffer.from(JSON.stringify('x'.repeat(10_000)))
    for (let n = 0; n < 10; n += 1) await api.publish('room:a', data)
    const all = api.history('room:a', { limit: 10, isReverse: false })
    await expect(all).rejects.toMatchObject({
      code: 'limit-exceeded',
      message: expect.stringContaining('max_payload') as unknown,
    })
    const { publications } = await api.history('room:a', { limit: 2, isReverse: false })
    expect(publications).toHaveLength(2)
  }, 20_000)
})
