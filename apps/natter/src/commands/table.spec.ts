import { describe, expect, it } from '@jest/globals'
import type { Command, Flag } from '../cli/command.js'
import { everywhere } from '../cli/everywhere.js'
import { parseLine } from '../cli/parse.js'
import { actions } from './actions.js'
import { commands, groups } from './table.js'

const all: readonly (readonly [string, Command])[] = Object.entries(commands)
const flags: readonly Flag[] = [
  ...all.flatMap(([, { flags: own = [] }]) => own),
  ...Object.values(everywhere),
]

describe('the command table', () => {
  it('takes a value for a flag everywhere or nowhere, because a line is split before its command is known', () => {
    const takes = new Map<string, boolean>()
    for (const { name, value } of flags) {
      expect([name, takes.get(name) ?? value !== undefined]).toEqual([name, value !== undefined])
      takes.set(name, value !== undefined)
    }
  })

  it('has no default that its own flag refuses', () => {
    for (const { name, value, default: fallback } of flags)
      if (fallback !== undefined)
        expect([name, value?.read(fallback)]).toEqual([name, { ok: expect.anything() }])
  })

  it('shows every command in one group', () => {
    const shown = groups.flatMap(({ commands: names }) => names)
    expect(shown.toSorted()).toEqual(all.map(([name]) => name).toSorted())
  })

  it.each(all)('natter %s has an action, and examples that it takes itself', async (name, { examples }) => {
    expect(typeof (await actions[name as keyof typeof actions]())).toBe('function')
    expect(examples.length).toBeGreaterThan(0)
    for (const { line } of examples) {
      const [own = ''] = line.split(/ [|<>]/)
      const words = [...own.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '')
      expect(parseLine(commands, words)).toMatchObject({ is: 'run', given: { name } })
    }
  })

  it('speaks in sentences: no summary ends with a full stop, none is empty', () => {
    for (const [name, { summary }] of all)
      expect([name, summary]).toEqual([name, expect.stringMatching(/[^.]$/)])
  })
})
