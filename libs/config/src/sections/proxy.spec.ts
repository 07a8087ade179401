import { describe, expect, it } from '@jest/globals'
import { loadConfig } from '../load-config.js'
import { defineConfig } from '../config-definition.js'
import { printConfig } from '../print-config.js'
import { describeProblem } from '../problem.js'
import { channelSection } from './channel.js'
import { channelProxySchema } from './proxy.options.js'

const definition = defineConfig({ app: 'test', sections: [channelSection] })

const load = (file: unknown, env: Record<string, string> = {}) =>
  loadConfig(definition, { argv: ['--config', 'x'], env, readFile: () => JSON.stringify(file) })

const planted = 'planted-secret'

/** All that a person is shown of a configuration, good or bad. */
function shownOf(file: unknown, env: Record<string, string> = {}): string {
  const loaded = load(file, env)
  return loaded.ok
    ? printConfig('test', loaded.effective)
    : loaded.problems.map((one) => describeProblem(one)).join('\n')
}

describe('hooks over HTTP in a configuration', () => {
  it('have the defaults of Centrifugo', () => {
    expect(channelProxySchema.parse({ subscribe: { endpoint: 'http://a/b' } })).toEqual({
      subscribe: {
        endpoint: 'http://a/b',
        timeout: 1_000,
        http_headers: [],
        emulated_headers: [],
        include_connection_meta: false,
        binary_encoding: false,
      },
    })
  })

  it.each([
    [{ subscribe: { endpoint: 'grpc://a:9000' } }, /gRPC is not spoken/],
    [{ subscribe: { endpoint: 'a.example/hook' } }, /begins with http/],
    [{ subscribe: { endpoint: 'http://' } }, /begins with http/],
    [{ subscribe: { endpoint: 'http://a', timeout: '4s' } }, /at most 3500ms/],
    [{ subscribe: { endpoint: 'http://a', http_headers: ['Host'] } }, /of their own/],
    [{ subscribe: { endpoint: 'http://a', http_headers: ['a b'] } }, /name of a header/],
    [{ subscribe: { endpoint: 'http://a', grpc: {} } }, /no key grpc/],
    [{ subscribe_stream: { endpoint: 'grpc://a' } }, /streams over gRPC/],
    [
      { publish: { endpoint: 'http://a', http: { status_to_code_transforms: [{ status_code: 404 }] } } },
      /to_error or to_disconnect/,
    ],
  ])('%j is refused with a sentence', (proxy, sentence) => {
    expect(shownOf({ channel: { proxy } })).toMatch(sentence)
  })

  it.each(['subscribe_stream_proxy_enabled', 'subscribe_stream_proxy_bidirectional'])(
    'refuse %s with a sentence',
    (key) => {
      expect(shownOf({ channel: { without_namespace: { [key]: true } } })).toMatch(/streams over gRPC/)
    },
  )

  it.each([
    ['a header', { endpoint: 'http://a', http: { static_headers: { authorization: planted } } }],
    ['a misspelt one', { endpoint: 'http://a', http: { static_header: { authorization: planted } } }],
    ['one beside a mistake', { endpoint: 'ftp://a', http: { static_headers: { authorization: planted } } }],
    ['a password', { endpoint: `http://user:${planted}@a/b` }],
    ['a password in a bad address', { endpoint: `ftp://user:${planted}@a/b` }],
    ['a key in the query', { endpoint: `http://a/b?key=${planted}` }],
  ])('show no secret: %s ', (_what, subscribe) => {
    const shown = shownOf({ channel: { proxy: { subscribe } } })
    expect(shown).toContain('proxy')
    expect(shown).not.toContain(planted)
  })

  it('show nothing of a text that is no JSON', () => {
    const text = `{"subscribe":{"http":{"static_headers":{"a":"${planted}"`
    const shown = shownOf({}, { NATTER_CHANNEL_PROXY: text })
    expect(shown).toContain('NATTER_CHANNEL_PROXY')
    expect(shown).not.toContain(planted)
  })

  it('show their addresses', () => {
    expect(shownOf({ channel: { proxy: { subscribe: { endpoint: 'http://a.example/b' } } } })).toContain(
      'http://a.example/b',
    )
  })
})
