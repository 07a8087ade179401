import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { limitNames, limitOfClose } from './limit-name.js'

const page = readFileSync(join(import.meta.dirname, '../../../../docs/protocol.md'), 'utf8')

describe('names of limits', () => {
  it('are those of the page of the wire, no more and no fewer: what is counted can be looked up', () => {
    const told = [...page.matchAll(/^\| \[20\.\d+\] *\|[^|]*\|[^|]*\|[^|]*\| *`([^`]+)` *\|/gm)].map(
      ([, name]) => name,
    )
    expect([...new Set(told)].toSorted()).toEqual([...limitNames].toSorted())
  })

  it('are told by a close only with its own words: apps may close with the same numbers', () => {
    expect(limitOfClose(3008, 'slow')).toBe('queue-size')
    expect(limitOfClose(3008, 'go away')).toBeUndefined()
    expect(limitOfClose(1006, '')).toBeUndefined()
  })
})
