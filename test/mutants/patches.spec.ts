import { describe, expect, it } from '@jest/globals'
import { readdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mutants } from './mutants.js'
import { applyPatch, PatchDoesNotApply, patchFile } from './planted-copy.js'

const repo = join(import.meta.dirname, '../..')
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.patch'))
  .map((file) => file.slice(0, -'.patch'.length))

describe('the planted bugs', () => {
  it.each(names)(
    '%s applies to the sources, or nobody would notice that it is no longer looked for',
    (name) => {
      expect(() => applyPatch(patchFile(name), repo, '--check')).not.toThrow()
    },
  )

  it('have a run each that looks for them', () => {
    expect(mutants.map(({ name }) => name).toSorted()).toEqual(names.toSorted())
  })

  it('say what to do when the sources have moved on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'natter-no-sources-'))
    writeFileSync(join(folder, 'package.json'), '{}')
    try {
      expect(() => applyPatch(patchFile('skip-the-splice'), folder, '--check')).toThrow(PatchDoesNotApply)
      expect(() => applyPatch(patchFile('skip-the-splice'), folder)).toThrow(/write the patch anew/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
