import { describe, expect, it } from '@jest/globals'
import { readFileSync } from 'node:fs'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

describe('the README', () => {
  it('shows a hello world that compiles, in 20 lines', () => {
    const [, shown] = /```ts\n([^]*?)```/.exec(read('../README.md')) ?? []
    expect(shown).toBe(read('../test/readme/hello-world.ts'))
    expect(shown!.trim().split('\n').length).toBeLessThanOrEqual(20)
  })
})
