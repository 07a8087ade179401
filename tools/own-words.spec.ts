import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { readRepositoryFile, repositoryFiles, root } from './repository.js'

/** What one machine or one network knows, and nobody else: written apart, so that this file passes too. */
const forbidden = [
  {
    what: 'a path of one machine',
    pattern: new RegExp(`(?<![\\w.-])/(${['work', 'root', 'home'].join('|')})/\\w`),
  },
  { what: 'a package mirror', pattern: new RegExp(['pkg', 'dev'].join('\\.'), 'i') },
  { what: 'a package registry', pattern: new RegExp(['registry', '(npmjs', 'yarnpkg)'].join('\\.'), 'i') },
]

const binary = /\.(png|jpe?g|ico|woff2?)$/

const texts = repositoryFiles().filter(
  (file) => !binary.test(file) && existsSync(join(root, file)) && statSync(join(root, file)).isFile(),
)

describe('the repository speaks of Natter alone', () => {
  it.each(forbidden)('no file holds $what, because it would work for one of us only', ({ pattern }) => {
    const found = texts.flatMap((file) =>
      readRepositoryFile(file)
        .split('\n')
        .map((line, index) => (pattern.test(line) ? `${file}:${index + 1}` : null)),
    )
    expect(found.filter((place) => place !== null)).toEqual([])
  })
})
