import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { asyncApi, readAsyncApi } from '../documents/asyncapi.js'
import { compareContracts, isBreaking } from './compare-contracts.js'

const folder = join(import.meta.dirname, '../../test/golden')
const pairs = readdirSync(folder).toSorted()
const read = (pair: string, file: string): unknown =>
  JSON.parse(readFileSync(join(folder, pair, `${file}.json`), 'utf8')) as unknown

describe('of two committed contracts', () => {
  it('there are twelve pairs', () => expect(pairs).toHaveLength(12))

  it.each(pairs)('%s is told as it was agreed', (pair) => {
    const [before, after] = [readAsyncApi(read(pair, 'before')), readAsyncApi(read(pair, 'after'))]
    expect(compareContracts(before, after)).toEqual(read(pair, 'expected'))
  })

  it.each(pairs)('%s is written as it was read, so committed files do not drift', (pair) => {
    for (const file of ['before', 'after'])
      expect(JSON.stringify(asyncApi(readAsyncApi(read(pair, file))))).toBe(JSON.stringify(read(pair, file)))
  })

  it('only words and optional or new things break nobody', () => {
    const harmless = pairs.filter(
      (pair) =>
        !isBreaking(compareContracts(readAsyncApi(read(pair, 'before')), readAsyncApi(read(pair, 'after')))),
    )
    expect(harmless).toEqual(['01-nothing-but-words', '10-optional-and-new'])
  })
})
