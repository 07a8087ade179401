import { describe, expect, it } from '@jest/globals'
import type { Log } from '@natter/broker'
import { World } from '../../test/harness.js'
import { evictedBetween } from './gaps.js'
import { readPage } from './page.js'

describe('a page of a stream', () => {
  it('comes with a state that was read after it: what is evicted while it is read counts as missing, not as removed', async () => {
    const world = new World()
    await world.publish('kept:a', ...'abcdefgh')
    const { log } = world.broker
    const evicting: Log = Object.assign(Object.create(log), {
      async readStream(...args: Parameters<Log['readStream']>) {
        world.mesh.purge(world.stream, 6)
        return await log.readStream(...args)
      },
    })
    const { messages, state } = await readPage(evicting, world.stream, {
      from: 3,
      limit: 10,
      maxBytes: 1_000,
    })
    const seqs = messages.map(({ seq }) => seq)
    expect(evictedBetween(2, seqs, state.firstSeq)).toEqual([{ from: 3, to: 5, reason: 'evicted' }])
  })
})
