import { describe, expect, it } from '@jest/globals'
import { readRepositoryFile, repositoryFiles } from './repository.js'

/** Tests that may be skipped on Linux with apt and root, by `file: name`. A skip prints its reason in its name. */
const allowedSkips: readonly string[] = [
  // an official SDK of another language, where that language or its packages can't be had: Debian's Go is too old for the SDK
  'test/conformance/programs/programs.conformance-spec.ts',
]

const skip =
  /\b(?:it|test|describe)(?:\.each\([^)]*\))?\.(?:skip|todo|failing|only)\b|\bx(?:it|test|describe)\(/

describe('skipped tests', () => {
  it('are none on Linux with apt and root but those named here, so that a green run has run everything', () => {
    const specs = repositoryFiles().filter(
      (file) => /spec\.tsx?$/.test(file) && file !== 'tools/skips.spec.ts',
    )
    const found = specs.filter((file) => skip.test(readRepositoryFile(file)))
    expect(specs.length).toBeGreaterThan(50)
    expect(found).toEqual(allowedSkips)
  })

  it('are recognised in every form that Jest knows', () => {
    for (const text of ['it.skip(', 'describe.only(', 'xit(', 'test.todo(', 'it.each([1]).skip('])
      expect(text).toMatch(skip)
    expect('position.skip').not.toMatch(skip)
  })
})
