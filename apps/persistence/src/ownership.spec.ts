import { describe, expect, it } from '@jest/globals'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { away, BadArchive } from '../test/bad-archive.js'
import { recorded, type Told } from '../test/harness.js'
import { Ownership } from './ownership.js'

function watching(): { archive: BadArchive; mesh: string; ownership: Ownership; told: Told[] } {
  const archive = new BadArchive()
  const broker = new MemoryBroker(new MemoryMesh())
  const { events, told } = recorded()
  const ownership = new Ownership({ archive, broker, events, ownerTimeoutMs: 300_000 })
  return { archive, mesh: broker.meshId, ownership, told }
}

describe('whose the archive is', () => {
  it('is told once, with both meshes and what to do, and once when it is over: not every few seconds', async () => {
    const { archive, mesh, ownership, told } = watching()
    await ownership.look()
    expect([ownership.problem, told]).toEqual([undefined, []])
    archive.owner = 'another'
    for (let look = 0; look < 5; look += 1) await ownership.look()
    expect(told).toMatchObject([
      { name: 'archive:foreign', payload: { owner: 'another', mesh, waitSeconds: 300 } },
    ])
    expect(ownership.problem).toContain(`belongs to the mesh another, this is ${mesh}`)
    archive.owner = undefined
    await ownership.look()
    await ownership.look()
    expect(told.slice(1)).toEqual([{ name: 'archive:taken-over', payload: { from: 'another', mesh } }])
    expect(ownership.problem).toBeUndefined()
  })

  it('stays what it was while the store does not answer', async () => {
    const { archive, ownership, told } = watching()
    archive.owner = 'another'
    await ownership.look()
    archive.fault = () => {
      throw away()
    }
    await ownership.look()
    expect(ownership.problem).toBeDefined()
    expect(told).toHaveLength(1)
  })
})
