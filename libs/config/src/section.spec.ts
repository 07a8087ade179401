import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { defineConfig } from './config-definition.js'
import { defineSection, type Setting } from './section.js'
import { duration } from './values/duration.js'
import { secret } from './values/secret.js'

const fine: Setting = { schema: duration(), default: '5s', example: '10s', doc: 'How long.', shown: true }
const hidden: Setting = { schema: secret().optional(), example: 'keep-me-safe', doc: 'Secret.', shown: false }
const declare = (setting: Partial<Setting>) => () =>
  defineSection('some', 'Some.', { key: { ...fine, ...setting } })

describe('a declaration', () => {
  it('is refused if people could not use its example or default', () => {
    expect(declare({})).not.toThrow()
    expect(declare({ example: 'soon' })).toThrow(
      'some.key is declared wrongly: its schema refuses its example',
    )
    expect(declare({ default: 'soon' })).toThrow('its schema refuses its default')
    expect(declare({ schema: z.array(z.string()), default: [], example: 'a,b' })).toThrow('example')
  })

  it('is refused if it would show a secret, wrapped or not', () => {
    expect(declare({ ...hidden, shown: true })).toThrow('a secret is never shown')
    expect(declare({ schema: secret().default('x'), example: 'x', default: 'x' })).toThrow(
      'a secret is never shown',
    )
  })

  it('is refused if its variable would not lead back to one key', () => {
    expect(() => defineSection('someThing', 'x', { key: fine })).toThrow('snake_case')
    expect(() => defineSection('some', 'x', { aKey: fine })).toThrow('snake_case')
    const one = defineSection('a', 'x', { b_c: fine })
    const other = defineSection('a_b', 'x', { c: fine })
    expect(() => defineConfig({ app: 'x', sections: [one, other] })).toThrow('NATTER_A_B_C')
    const withFile = defineSection('a', 'x', { key: hidden, key_file: fine })
    expect(() => defineConfig({ app: 'x', sections: [withFile] })).toThrow('NATTER_A_KEY_FILE')
  })

  it('tells everything that help and reference need', () => {
    const { settings } = defineConfig({ app: 'x', sections: [defineSection('some', 'x', { fine, hidden })] })
    expect(settings).toMatchObject([
      { path: 'some.fine', env: 'NATTER_SOME_FINE', kind: 'a duration such as 250ms, 25s, 10m or 1h30m' },
      { path: 'some.hidden', envFile: 'NATTER_SOME_HIDDEN_FILE', kind: 'a secret', isRequired: false },
    ])
  })
})
