import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { defineConfig } from '../config-definition.js'
import { defineSection } from '../section.js'
import { readConfigFile } from './config-file.js'

const setting = { schema: z.unknown(), example: 'x', doc: 'x', shown: true }
const definition = defineConfig({
  app: 'x',
  sections: [defineSection('some', 'x', { key: setting, other: setting })],
})

function read(text: string) {
  const { values, problems } = readConfigFile(definition, 'n.yaml', () => text)
  return {
    values: Object.fromEntries([...values].map(([path, { value }]) => [path, value])),
    problems: problems.map(({ message }) => message),
  }
}

describe('a configuration file', () => {
  it.each([
    ['YAML', 'some:\n  key: [1, two]\n'],
    ['JSON', '{"some": {"key": [1, "two"]}}'],
    ['JSON indented with tabs', '{\n\t"some": {\n\t\t"key": [1, "two"]\n\t}\n}'],
  ])('is %s', (_, text) => {
    expect(read(text)).toEqual({ values: { 'some.key': [1, 'two'] }, problems: [] })
  })

  it.each([
    ['nothing', ''],
    ['comments', '# nothing yet\n'],
    ['a section without keys', 'some:\n'],
    ['a key without a value', 'some:\n  key:\n'],
  ])('may hold %s: that is unset', (_, text) => {
    expect(read(text)).toEqual({ values: {}, problems: [] })
  })

  it('that is broken is told by line and never quoted: the line may hold a secret', () => {
    const { problems } = read('some:\n  key: "hunter2\n  other: 1\n')
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(
      /^The configuration file n.yaml is not valid YAML or JSON: [a-z ]+ at line \d+, column \d+\.$/,
    )
    expect(problems[0]).not.toContain('hunter2')
  })

  it('that names a key twice is broken: one of them would be lost', () => {
    expect(read('some:\n  key: 1\n  key: 2\n').problems[0]).toContain('duplicate key at line 3')
  })

  it.each(['[1]', 'text', '5'])('that is only %s is a problem', (text) => {
    expect(read(text).problems[0]).toContain('must hold sections')
  })

  it('that holds several documents is a problem: only one could be meant', () => {
    expect(read('some: {}\n---\nsome: {}\n').problems).toHaveLength(1)
  })

  it('cannot be blown up by aliases', () => {
    const lines = Array.from(
      { length: 30 },
      (_, n) => `  k${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(',')}]`,
    )
    expect(read(`some:\n  k0: &a0 [x]\n${lines.join('\n')}\n`).problems[0]).toContain('more than 100 aliases')
  })

  it('with the right key in the wrong section is told where it belongs', () => {
    const two = defineConfig({
      app: 'x',
      sections: [defineSection('a', 'x', { port: setting }), defineSection('b', 'x', { host: setting })],
    })
    const { problems } = readConfigFile(two, 'n.yaml', () => 'b:\n  port: 1\n')
    expect(problems[0]?.message).toBe('There is no setting b.port (in n.yaml). Did you mean a.port?')
  })
})
