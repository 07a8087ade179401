import { describe, expect, it } from '@jest/globals'
import { defineConfig } from '../config-definition.js'
import { loadConfig } from '../load-config.js'
import { natsOptionsOf, natsSection } from './nats.js'

const definition = defineConfig({ app: 'x', sections: [natsSection] })
const load = (env: Record<string, string>) => loadConfig(definition, { argv: [], env, readFile: () => '' })

function optionsOf(env: Record<string, string>) {
  const loaded = load(env)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  return natsOptionsOf(loaded.config.nats, false)
}

describe('what the settings of nats ask for', () => {
  it('is no size and no age where none is set: a node with default settings must not resize the mesh', () => {
    expect(Object.keys(optionsOf({}))).not.toEqual(expect.arrayContaining(['maxBytes']))
    expect(Object.keys(optionsOf({}))).not.toEqual(expect.arrayContaining(['maxAgeMs']))
    const env = { NATTER_NATS_STREAM_MAX_BYTES: '64KiB', NATTER_NATS_STREAM_MAX_AGE: '1s' }
    expect(optionsOf(env)).toMatchObject({ maxBytes: 65_536, maxAgeMs: 1000 })
  })

  it.each([
    ['NATTER_NATS_STREAM_MAX_BYTES', '0', /nats\.stream_max_bytes must be a size .*at least 65536 bytes/],
    ['NATTER_NATS_STREAM_MAX_BYTES', '1', /nats\.stream_max_bytes must be a size .*at least 65536 bytes/],
    ['NATTER_NATS_STREAM_MAX_AGE', '0', /nats\.stream_max_age must be a duration .*at least 1000ms/],
    ['NATTER_NATS_PREFIX', 'pg_x', /nats\.prefix must not begin with pg_/],
  ])(
    '%s=%s is refused with a sentence, because NATS or Postgres would only later',
    (name, value, sentence) => {
      expect(load({ [name]: value })).toMatchObject({
        ok: false,
        problems: [{ message: expect.stringMatching(sentence) as unknown }],
      })
    },
  )
})
