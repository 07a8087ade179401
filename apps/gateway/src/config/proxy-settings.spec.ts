import { describe, expect, it } from '@jest/globals'
import { describeProblem, loadConfig, printConfig } from '@natter/config'
import { gatewayConfig } from './gateway.config.js'
import { httpHooksOf } from './proxy-settings.js'

const endpoint = 'http://127.0.0.1:3000/natter'

const load = (file: object) => {
  const text = JSON.stringify({ nats: { url: 'nats://127.0.0.1:4222' }, ...file })
  return loadConfig(gatewayConfig, { argv: ['--config', 'x'], env: {}, readFile: () => text })
}

const problemsOf = (file: object): string => {
  const loaded = load(file)
  return loaded.ok ? '' : loaded.problems.map((one) => describeProblem(one)).join('\n')
}

const tableOf = (file: object, readFile?: (file: string) => string) => {
  const loaded = load(file)
  if (!loaded.ok) throw new Error(loaded.problems.map((one) => describeProblem(one)).join('\n'))
  return httpHooksOf(loaded.config, readFile)
}

const client = { proxy: { connect: { enabled: true, endpoint } } }

describe('the configuration of hooks over HTTP', () => {
  it('in the words of Centrifugo says who is asked about what', () => {
    const table = tableOf({
      client: { proxy: { connect: { enabled: true, endpoint }, refresh: { endpoint } } },
      channel: {
        proxy: { subscribe: { endpoint, timeout: '2s' } },
        without_namespace: { subscribe_proxy_enabled: true },
        namespaces: [
          { name: 'chat', publish_proxy_enabled: true, publish_proxy_name: 'chats' },
          {
            name: 'news',
            subscribe_proxy_enabled: true,
            sub_refresh_proxy_enabled: true,
            sub_refresh_proxy_name: 'chats',
          },
        ],
      },
      rpc: {
        proxy: {
          endpoint,
          http: { status_to_code_transforms: [{ status_code: 404, to_error: { code: 404 } }] },
        },
        namespaces: [{ name: 'billing', proxy_enabled: true }],
      },
      proxies: { named: [{ name: 'chats', endpoint: 'https://chats.example/hook', binary_encoding: true }] },
    })
    const { connect, refresh, channels, rpc } = table
    expect(connect).toMatchObject({ kind: 'connect', name: 'default', timeoutMs: 1_000 })
    expect(refresh).toBeUndefined()
    expect([...channels].map(([key, { name, timeoutMs }]) => [key, name, timeoutMs])).toEqual([
      ['subscribe ', 'default', 2_000],
      ['publish chat', 'chats', 1_000],
      ['subscribe news', 'default', 2_000],
      ['sub_refresh news', 'chats', 1_000],
    ])
    expect(channels.get('publish chat')).toMatchObject({ isBinary: true, kind: 'publish' })
    expect([...rpc.keys()]).toEqual(['billing'])
    expect(rpc.get('billing')?.byStatus.get(404)).toEqual({ error: { code: 404, message: '' } })
  })

  it('lets a gateway do without keys for tokens', () => {
    expect(problemsOf({ client })).toBe('')
    expect(problemsOf({ client: { proxy: { connect: { endpoint } } } })).toMatch(/nobody could connect/)
  })

  it('that contradicts itself is refused, with all that is wrong at once', () => {
    const problems = problemsOf({
      client: {
        proxy: { connect: { enabled: true }, refresh: { endpoint, http_headers: ['X-Forgotten'] } },
        hook_headers: ['cookie'],
        allow_anonymous: true,
      },
      channel: {
        proxy: {
          publish: { endpoint, http_headers: ['cookie'], http: { static_headers: { Cookie: 'planted' } } },
          sub_refresh: { endpoint, http: { static_headers: { 'x-a': 'planted\n' } } },
        },
        without_namespace: { subscribe_proxy_enabled: true },
        namespaces: [{ name: 'chat', publish_proxy_enabled: true, publish_proxy_name: 'other' }],
      },
      rpc: {
        without_namespace: { proxy_enabled: true },
        namespaces: [
          { name: 'aa', proxy_name: 'other' },
          { name: 'aa', proxy_enabled: true, proxy_name: 'bare' },
        ],
      },
      proxies: { named: [{ name: 'bare' }, { name: 'bare' }, { name: 'default' }] },
    })
    for (const sentence of [
      /connect.enabled, and nobody to ask: set client.proxy.connect.endpoint/,
      /passes on x-forgotten, which is forgotten: add it to client.hook_headers in refresh/,
      /says cookie itself and passes on a client's/,
      /has a value for x-a that no header can have in sub_refresh/,
      /subscribe_proxy_enabled, and nobody to ask: set channel.proxy.subscribe.endpoint/,
      /publish_proxy_enabled of chat with 'other', which is not in proxies.named/,
      /proxy_enabled, and nobody to ask: set rpc.proxy.endpoint/,
      /the endpoint of 'bare' in proxies.named/,
      /names bare twice/,
      /names aa twice/,
      /names 'default'/,
      /proxy_name that says nothing without proxy_enabled/,
    ])
      expect(problems).toMatch(sentence)
    expect(problems).not.toContain('planted')
  })

  const withFile = {
    client: {
      proxy: {
        connect: { enabled: true, endpoint, http: { static_header_files: { Authorization: '/run/key' } } },
      },
    },
  }

  it('takes headers from files, which end with a newline or not', () => {
    expect(tableOf(withFile, () => 'Bearer k\n').connect?.staticHeaders).toEqual({
      authorization: 'Bearer k',
    })
  })

  it.each([
    [
      'none',
      () => {
        throw new Error('planted')
      },
    ],
    ['empty', () => ''],
    ['of two lines', () => 'a\nplanted'],
  ])('refuses a file that is %s, and says nothing of what is in it', (_what, readFile) => {
    const failed = (): unknown => tableOf(withFile, readFile)
    expect(failed).toThrow(/authorization can't be taken from \/run\/key/)
    expect(failed).not.toThrow(/planted/)
  })

  it('is printed without a header, a password or a query', () => {
    const loaded = load({
      client: {
        proxy: {
          connect: {
            enabled: true,
            endpoint: 'http://user:planted@a.example/b?key=planted',
            http: { static_headers: { authorization: 'planted' } },
          },
        },
      },
    })
    const shown = loaded.ok ? printConfig('gateway', loaded.effective) : ''
    expect(shown).toContain('a.example/b')
    expect(shown).not.toContain('planted')
  })
})
