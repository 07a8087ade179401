import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import {
  codeOf,
  codeRowsOf,
  defaultsOf,
  limitsOf,
  numbersOf,
  quotedTitlesOf,
  rulesOf,
  sectionsOf,
  titlesOf,
  unnumbered,
} from './protocol-rules.js'
import { readRepositoryFile, repositoryFiles, root } from './repository.js'

const page = readRepositoryFile('docs/protocol.md')
const rules = rulesOf(page)

const files = repositoryFiles().filter((file) => !file.startsWith('tools/') && existsSync(join(root, file)))

const titles = files
  .filter((file) => /[.-]spec\.ts$/.test(file))
  .flatMap((file) => titlesOf(readRepositoryFile(file)).map((title) => ({ file, title })))

/** Laws for the SDKs of other languages: where those can't be had they are skipped, so no rule may hang on them. */
const laws = files
  .filter((file) => /^test\/conformance\/.*\.(ts|go|py|java)$/.test(file))
  .flatMap((file) => quotedTitlesOf(readRepositoryFile(file)).map((title) => ({ file, title })))

describe('each rule of docs/protocol.md', () => {
  it('has a number, and no two have the same, because tests name it by that', () => {
    expect(unnumbered(page)).toEqual([])
    expect(rules.filter((rule, index) => rules.indexOf(rule) !== index)).toEqual([])
    expect(rules.length).toBeGreaterThan(60)
  })

  it('has a test that says so in its title, because a promise that nobody tests is none', () => {
    const held = new Set(titles.flatMap(({ title }) => numbersOf(title)))
    expect(rules.filter((rule) => !held.has(rule))).toEqual([])
  })

  it('is there as long as a test names it: a number of another page would mislead', () => {
    const known = new Set([...rules, ...sectionsOf(page)])
    const strays = [...titles, ...laws].filter(({ title }) =>
      numbersOf(title).some((number) => !known.has(number)),
    )
    expect(strays.map(({ file, title }) => `${file}: ${title}`)).toEqual([])
  })

  it('that is a table of codes has a test for each code, but for those that nothing sends yet', () => {
    const held = new Set(
      titles.flatMap(({ title }) => numbersOf(title).map((rule) => `[${rule}] ${codeOf(title) ?? ''}`)),
    )
    const rows = codeRowsOf(page).map(({ rule, code, isReserved }) => ({
      is: `[${rule}] ${code}`,
      isReserved,
    }))
    expect(rows.length).toBeGreaterThan(35)
    expect(rows.filter(({ is, isReserved }) => held.has(is) === isReserved).map(({ is }) => is)).toEqual([])
  })
})

describe('limits in docs/protocol.md', () => {
  it('are what the settings are where nobody sets them', () => {
    const defaults = defaultsOf(readRepositoryFile('docs/reference/configuration.md'))
    const limits = limitsOf(page)
    expect(limits.length).toBeGreaterThan(10)
    expect(limits.filter(({ setting, value }) => defaults.get(setting) !== value)).toEqual([])
  })
})

describe('the check of docs/protocol.md', () => {
  const sample = [
    '## 3. Commands',
    '- [3.1] In order.',
    '- in no order',
    '### [6.3] Disconnects',
    '| 3000 | closed | yes | an end |',
    '| 3014 | state | yes | reserved |',
    '### Others',
    '| 4000 | x | yes | |',
    '| [20.1] a message |',
  ].join('\n')

  it('finds rules as items, headings and rows, and what is no rule', () => {
    expect(rulesOf(sample)).toEqual(['3.1', '6.3', '20.1'])
    expect(sectionsOf(sample)).toEqual(['3'])
    expect(unnumbered(sample)).toEqual(['- in no order'])
  })

  it('finds codes under their rule, and those that nothing sends', () => {
    expect(codeRowsOf(sample)).toEqual([
      { rule: '6.3', code: '3000', isReserved: false },
      { rule: '6.3', code: '3014', isReserved: true },
    ])
  })

  it('reads limits in words and settings in a table as the same', () => {
    const row = '| [20.1] | a ping | 25 s, 5,000 a second | 3012 | `pong` | `client.a`, `client.b` |'
    expect(limitsOf(row)).toEqual([
      { setting: 'client.a', value: '25s' },
      { setting: 'client.b', value: '5000' },
    ])
    expect(limitsOf('| [20.1] | a ping | 25 s | 3012 | `pong` |  |')).toEqual([])
    expect(defaultsOf('| `client.a` | size | `64KiB` | words |')).toEqual(new Map([['client.a', '64KiB']]))
  })

  it('finds titles, rows of tables among them, and leaves data and comments alone', () => {
    const spec = [
      "describe('[3] order', () => {",
      "  it.each([['[3.1] a row', [7], '[1] data']])('%s', () => {})",
      "  it('[3.2] [3.4] two rules', () => {}) // '[3.9] a comment'",
      "  it.each([1])(`[4.1] ${'x'}`, () => {})",
      "  it('says [5.1] in a sentence', () => {})",
      '})',
    ].join('\n')
    expect(titlesOf(spec)).toEqual(['[3] order', '[3.1] a row', '[3.2] [3.4] two rules', '[4.1] '])
    expect(quotedTitlesOf('law("[3.1] a law", run) // [3.9]')).toEqual(['[3.1] a law'])
    expect(numbersOf('[3.2] [3.4] two rules')).toEqual(['3.2', '3.4'])
    expect(numbersOf('[3] order')).toEqual(['3'])
    expect([codeOf('[6.3] 3005 expired'), codeOf('[6.3] all of them')]).toEqual(['3005', undefined])
  })
})
