import { describe, expect, it } from '@jest/globals'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newApp } from './new-app.js'

describe('a new app', () => {
  it.each(['my.app', 'My-app', '-app', 'a'.repeat(65)])(
    "isn't called %s: its package would be, and the mesh would refuse it at its first start",
    async (name) => {
      const parent = await mkdtemp(join(tmpdir(), 'natter-new-'))
      await expect(newApp(join(parent, name), 'nowhere')).rejects.toThrow('e.g. my-app')
      expect(await readdir(parent)).toEqual([])
      await rm(parent, { recursive: true })
    },
  )

  it('is put into no folder that holds something', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'natter-new-'))
    const folder = join(parent, 'my-app')
    await mkdir(folder)
    await writeFile(join(folder, 'mine.txt'), '')
    await expect(newApp(folder, 'nowhere')).rejects.toThrow("name a folder that isn't there yet")
    expect(await readdir(folder)).toEqual(['mine.txt'])
    await rm(parent, { recursive: true })
  })
})
