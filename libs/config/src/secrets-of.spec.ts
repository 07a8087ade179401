import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { defineConfig } from './config-definition.js'
import { loadConfig } from './load-config.js'
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
