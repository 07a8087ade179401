import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { defineConfig } from './config-definition.js'
import { loadConfig } from './load-config.js'
import { redact } from './redact.js'
import { secretsOf } from './secrets-of.js'
import { defineSection } from './section.js'
import { list } from './values/list.js'
import { secret } from './values/secret.js'

const door = defineSection('door', 'The door.', {
  key: { schema: secret().optional(), example: 'keep-me-safe', doc: 'Opens it.', shown: false },
  urls: { schema: list(), default: [], example: 'nats://h:4222', doc: 'Where.', shown: true },
  header: {
    schema: z.record(z.string(), secret()).default({}),
    default: {},
    example: '{"x-key":"keep-me-safe"}',
    doc: 'Sent.',
    shown: true,
  },
  keeper: {
    schema: z.object({ name: z.string(), key: secret() }).optional(),
    example: '{"name":"ana","key":"keep-me-safe"}',
    doc: 'Who keeps it.',
    shown: true,
  },
})
const definition = defineConfig({ app: 'door', sections: [door] })

const secretsIn = (settings: object): string[] => {
  const loaded = loadConfig(definition, {
    argv: [],
    env: { NATTER_CONFIG: 'f' },
    readFile: () => JSON.stringify({ door: settings }),
  })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  return secretsOf(definition, loaded.config)
}

describe('the secrets of a configuration', () => {
  it('are those settings that are never shown, and what stands deeper in one that is', () => {
    expect(secretsIn({ key: 'first', header: { 'x-key': 'second' } })).toEqual(['first', 'second'])
    expect(secretsIn({})).toEqual([])
  })

  it('are passwords and queries of addresses, also as they are meant and alone, since drivers take addresses apart', () => {
    expect(secretsIn({ key: 'postgres://ana:p%40ss@h/db' })).toEqual([
      'postgres://ana:p%40ss@h/db',
      'p%40ss',
      'p@ss',
    ])
    expect(
      secretsIn({ urls: ['nats://plain:4222', 'nats://ana:p@ss@h:4222', 'https://h/keys?key=a%2Fb'] }),
    ).toEqual(['p@ss', 'key=a%2Fb', 'key=a/b', 'a%2Fb', 'a/b'])
  })
})

describe('what is shown of a setting', () => {
  const shownOf = (path: string, value: unknown): unknown => {
    const info = definition.settings.find((one) => one.path === path)
    return info && redact(info, value)
  }

  it('is of no address its user, password or query, also where a password holds an @ and several stand in one text', () => {
    const urls = ['nats://ana:p@ss@h:4222', 'nats://h:1?key=one,nats://h:2?key=two', 'nats://plain:4222']
    expect(shownOf('door.urls', urls)).toEqual([
      'nats://(hidden)@h:4222',
      'nats://h:1?(hidden),nats://h:2?(hidden)',
      'nats://plain:4222',
    ])
    const both = 'nats://ana:first@h:1 nats://bob:second@h:2'
    expect(shownOf('door.urls', both)).not.toMatch(/first|second/)
  })

  it('is nothing of what nobody knows beside a secret: a name that is misspelt may be that of the secret', () => {
    const said = { name: 'ana', kye: 'planted', key: 'planted too' }
    expect(shownOf('door.keeper', said)).toEqual({ name: 'ana', kye: '(hidden)', key: '(hidden)' })
    expect(shownOf('door.keeper', 'planted')).toBe('(hidden)')
  })
})
