import { describe, expect, it } from '@jest/globals'
import { MemoryArchive, MemoryArchiveStore } from '@natter/archive'
import { describeArchive } from './archive.contract.js'

describeArchive('memory', async () => {
  const store = new MemoryArchiveStore()
  const [a, b] = [new MemoryArchive(store), new MemoryArchive(store)]
  return {
    a,
    b,
    cut: async (stream) => store.cut(stream),
    close: async () => void (await Promise.all([a.close(), b.close()])),
  }
})

describe('the faults of a memory archive', () => {
  it('while it is away all is refused, and the rights are gone for good', async () => {
    const store = new MemoryArchiveStore()
    const archive = new MemoryArchive(store)
    const writer = await archive.acquire('s')
    store.isAway = true
    await expect(archive.acquire('s')).rejects.toMatchObject({ code: 'archive-away' })
    expect(await archive.problem()).toBeDefined()
    store.isAway = false
    expect(writer?.isHeld).toBe(false)
    expect((await archive.acquire('s'))?.isHeld).toBe(true)
  })
})
