import { describe, expect, it } from '@jest/globals'
import type { Natter } from '@natter/nest'
import { RoomDirectory } from './room-directory.js'

/** A mesh that does not answer until it is told to. */
class Away {
  isAway = true
  asked = 0

  readonly natter = {
    history: async () => this.#answer({ publications: [{ data: { room: 'attic' } }, { data: 'nonsense' }] }),
    presence: async () => this.#answer([{ user: 'ana' }]),
    publish: async () => this.#answer({}),
  } as unknown as Natter

  async #answer<T>(value: T): Promise<T> {
    this.asked += 1
    if (this.isAway) throw new Error('away')
    return value
  }
}

describe('the directory of rooms, while the mesh is away', () => {
  it('has no list instead of an empty one, and reads again when it is asked again', async () => {
    const mesh = new Away()
    const directory = new RoomDirectory(mesh.natter)
    await expect(directory.list()).rejects.toThrow('away')
    mesh.isAway = false
    expect((await directory.list()).at(-1)).toEqual({ name: 'attic', people: 1 })
  })

  it('turns nobody away, and writes the room down when the next one enters', async () => {
    const mesh = new Away()
    const directory = new RoomDirectory(mesh.natter)
    directory.entered('attic')
    await new Promise((resolve) => setImmediate(resolve)) // the failure is known
    mesh.isAway = false
    directory.entered('attic')
    directory.entered('attic')
    expect(mesh.asked).toBe(2)
  })
})
