import { afterAll, describe, expect, it } from '@jest/globals'
import { SignJWT } from 'jose'
import { memoryBench } from './bench.js'
import { codeOf, hangUp, result, tell, told } from './backend.js'
import { FakeApp } from './fake-app.js'
import { apiKey, RawClient, type Incoming, type NodeOverrides, type TestNode } from './harness.js'
import { ask, httpOf } from './http-client.js'

describe('what backends ask over HTTP', () => {
  const bench = memoryBench()
  afterAll(hangUp)

  const start = (overrides: NodeOverrides = {}): Promise<TestNode> => {
    const hooks = new FakeApp({
      connect: ({ token }) => ({ user: token ?? '', infoJson: '{"of":1}', metaJson: '{"m":1}' }),
    })
    return bench.start({ hooks, httpApi: {}, ...overrides })
  }

  const join = async (node: TestNode, user: string, more: object = {}): Promise<[RawClient, string]> => {
    const client = await bench.keep(RawClient.open(node.url))
    const { connect } = await client.call('connect', { token: user, ...more })
    return [client, connect.client as string]
  }

  it('[23.1] [23.2] believes a key in each of its three forms, the one before too, and nobody else', async () => {
    const node = await start({ httpApi: { keys: [apiKey, 'the-key-before'] } })
    const forms: Record<string, string>[] = [
      { 'x-api-key': apiKey },
      { 'x-api-key': 'the-key-before' },
      { authorization: `apikey ${apiKey}` },
      { Authorization: `ApiKey ${apiKey}` },
    ]
    for (const headers of forms) expect((await tell(node, 'info', {}, headers)).status).toBe(200)
    expect((await tell(node, `info?api_key=${apiKey}`, {}, {})).status).toBe(200)
    const wrong: Record<string, string>[] = [
      {},
      { 'x-api-key': '' },
      { 'x-api-key': `${apiKey}x` },
      { authorization: apiKey },
      { authorization: `bearer ${apiKey}` },
      { 'x-api-key': 'wrong', authorization: `apikey ${apiKey}` },
    ]
    for (const headers of wrong) {
      const answer = await tell(node, 'info', {}, headers)
      expect([answer.status, answer.json]).toEqual([401, undefined])
    }
    expect((await tell(node, 'info?api_key=wrong', {}, {})).status).toBe(401)
    expect((await tell(node, 'nothing', 'no json', {})).status).toBe(401) // nothing is told to who has none
  })

  it('[23.2] takes a new key while it runs, and is not there without one', async () => {
    const node = await start()
    const { current } = node.settings
    const httpApi = { ...current.options.httpApi, keys: ['another-key'] } as never
    node.settings.replace({ ...current, options: { ...current.options, httpApi } })
    expect((await tell(node, 'info')).status).toBe(401)
    expect((await tell(node, 'info', {}, { 'x-api-key': 'another-key' })).status).toBe(200)
    expect((await start({ httpApi: { keys: [] } })).apiUrl).toBe('')
    const open = await start({ httpApi: { keys: [], isInsecure: true } })
    expect((await tell(open, 'info', {}, {})).status).toBe(200)
  })

  it('[23.3] takes POST with a JSON object alone, and says what is wrong by the status', async () => {
    const node = await start({ httpApi: { maxBodyBytes: 1_024 } })
    const key = { 'x-api-key': apiKey }
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
      const { status, headers } = await ask(`${node.apiUrl}/api/info`, { method, headers: key })
      expect([status, headers['allow']]).toEqual([405, 'POST'])
    }
    expect((await tell(node, 'nothing')).status).toBe(404)
    expect((await ask(`${node.apiUrl}/else`, { method: 'POST', headers: key })).status).toBe(404)
    const broken = ['{', '[]', '7', 'null', '"a"', '{"a":1}{', Buffer.from([0x7b, 0xff, 0x7d])]
    for (const body of broken) expect((await tell(node, 'info', body)).status).toBe(400)
    expect((await tell(node, 'info', '')).status).toBe(200)
    expect((await tell(node, 'publish', { channel: 'a', data: 'x'.repeat(2_000) })).status).toBe(413)
    expect((await tell(node, 'publish', { channel: 'a', data: 'x' })).status).toBe(200)
  })

  it('[23.4] tells errors in the answer, or by the status where that is wanted', async () => {
    const node = await start()
    const byStatus = { 'x-api-key': apiKey, 'x-centrifugo-error-mode': 'transport' }
    const cases: [string, object, number, number][] = [
      ['publish', { channel: 'nowhere:a', data: 1 }, 102, 404],
      ['rpc', { method: 'anything' }, 104, 404],
      ['publish', { channel: 'a' }, 107, 400],
      ['history', { channel: 'a' }, 108, 400],
      ['history', { channel: 'room:a', since: { offset: 1, epoch: 'other' } }, 112, 416],
      ['broadcast', { channels: Array.from({ length: 1_001 }, () => 'a'), data: 1 }, 106, 400],
    ]
    const other = await start({ httpApi: { errorMode: 'transport' } })
    for (const [method, body, code, status] of cases) {
      const inAnswer = await tell(node, method, body)
      expect([inAnswer.status, inAnswer.json.error.code]).toEqual([200, code])
      for (const answer of [await tell(node, method, body, byStatus), await tell(other, method, body)]) {
        expect([answer.status, answer.json.code, typeof answer.json.message]).toEqual([
          status,
          code,
          'string',
        ])
      }
    }
    expect((await tell(node, 'info', {}, byStatus)).json.result.nodes).toHaveLength(2)
  })

  it('[23.5] publishes data byte for byte, with its place where it is kept', async () => {
    const node = await start()
    const [client] = await join(node, 'ana')
    await client.call('subscribe', { channel: 'room:a' })
    const raw = '{"n":12345678901234567890,"f":1.0,"é":"\\u00e9"}'
    const first = (await tell(node, 'publish', `{"data":${raw},"channel":"room:a","tags":{"k":"v"}}`)).json
      .result
    expect(first).toEqual({ offset: expect.any(Number), epoch: expect.any(String) })
    const { text } = await tell(node, 'history', { channel: 'room:a', limit: 10 })
    expect(text).toContain(`"data":${raw}`)
    for (const data of [null, false, 0, '', [], 'x'])
      await result(node, 'publish', { channel: 'room:a', data })
    await result(node, 'publish', { channel: 'room:a', b64data: Buffer.from('{"b":1}').toString('base64') })
    await client.until(() => client.publications('room:a').length === 8, 'all')
    const [shown, ...rest] = client.publications('room:a')
    expect(shown).toMatchObject({ tags: { k: 'v' }, offset: first.offset })
    expect(rest.map(({ data }) => data)).toEqual([null, false, 0, '', [], 'x', { b: 1 }])
    expect(await result(node, 'publish', { channel: 'closed:a', data: 1 })).toEqual({}) // nothing is kept there
    const wrong = [{}, { channel: 'room:a' }, { channel: '', data: 1 }, { data: 1 }, { channel: 5, data: 1 }]
    for (const body of wrong) expect(await codeOf(node, 'publish', body)).toBe(107)
    expect(await codeOf(node, 'publish', { channel: 'room:a', b64data: '?' })).toBe(107)
    expect(await codeOf(node, 'publish', { channel: 'nowhere:a', data: 1 })).toBe(102)
    expect(await codeOf(node, 'publish', { channel: 'room:a', data: 1, version: 0, tags: null })).toBe(0)
  })

  it('[23.5] tells who is there what is not to be kept, and keeps it not', async () => {
    const node = await start()
    const [client] = await join(node, 'ana')
    await client.call('subscribe', { channel: 'room:a' })
    expect(await result(node, 'publish', { channel: 'room:a', data: 1, skip_history: true })).toEqual({})
    await client.until(() => client.publications('room:a').length === 1, 'it')
    expect((await result(node, 'history', { channel: 'room:a', limit: 10 })).publications).toEqual([])
  })

  it('[23.6] answers for each channel of a broadcast, in their order', async () => {
    const node = await start()
    const { responses } = await result(node, 'broadcast', {
      channels: ['room:a', 'nowhere:b', 'c', ''],
      data: 1,
    })
    expect(responses).toMatchObject([
      { result: { offset: expect.any(Number) } },
      { error: { code: 102 } },
      { result: {} },
      { error: { code: 107 } },
    ])
    for (const body of [{}, { channels: [], data: 1 }, { channels: ['a'] }])
      expect(await codeOf(node, 'broadcast', body)).toBe(107)
  })

  it('[23.8] reads presence and its numbers from all gateways', async () => {
    const [a, b] = [await start(), await start()]
    const [[ana, id], [ben]] = [await join(a, 'ana'), await join(b, 'ana')]
    await ana.call('subscribe', { channel: 'room:a' })
    await ben.call('subscribe', { channel: 'room:a' })
    const { presence } = await result(b, 'presence', { channel: 'room:a' })
    expect(Object.keys(presence)).toHaveLength(2)
    expect(presence[id]).toEqual({ user: 'ana', client: id, conn_info: { of: 1 } })
    expect(await result(b, 'presence_stats', { channel: 'room:a' })).toEqual({ num_clients: 2, num_users: 1 })
    expect(await result(b, 'presence', { channel: 'room:empty' })).toEqual({ presence: {} })
    for (const method of ['presence', 'presence_stats']) {
      expect(await codeOf(a, method)).toBe(107)
      expect(await codeOf(a, method, { channel: 'nowhere:a' })).toBe(102)
      expect(await codeOf(a, method, { channel: 'closed:a' })).toBe(108)
    }
  })

  it('[23.9] reads history: a position without a limit, and pages in both directions', async () => {
    const node = await start()
    const offsets: number[] = []
    for (const data of [1, 2, 3])
      offsets.push((await result(node, 'publish', { channel: 'room:a', data })).offset)
    const bare = await result(node, 'history', { channel: 'room:a' })
    expect(bare).toEqual({ publications: [], offset: offsets[2], epoch: expect.any(String) })
    const dataOf = ({ publications }: Incoming) => publications.map(({ data }: Incoming) => data)
    const since = { offset: offsets[0], epoch: bare.epoch }
    expect(dataOf(await result(node, 'history', { channel: 'room:a', limit: -1 }))).toEqual([1, 2, 3])
    expect(dataOf(await result(node, 'history', { channel: 'room:a', limit: 1, since }))).toEqual([2])
    expect(dataOf(await result(node, 'history', { channel: 'room:a', limit: 2, reverse: true }))).toEqual([
      3, 2,
    ])
    const binary = { channel: 'room:b', b64data: Buffer.from([1, 2]).toString('base64') }
    const { offset } = await result(node, 'publish', binary)
    expect((await result(node, 'history', { channel: 'room:b', limit: 1 })).publications).toEqual([
      { b64data: 'AQI=', offset },
    ])
    expect(await codeOf(node, 'history')).toBe(107)
    expect(
      await codeOf(node, 'history', { channel: 'room:a', limit: 1, since: { offset: 0 }, reverse: true }),
    ).toBe(107)
    expect(await codeOf(node, 'history', { channel: 'closed:a' })).toBe(108)
  })

  it('[23.10] subscribes and unsubscribes a user wherever its connections are, or one of them', async () => {
    const [a, b] = [await start(), await start()]
    const [[ana], [ana2, id2]] = [await join(a, 'ana'), await join(b, 'ana')]
    const info = { x: 1 }
    expect(await result(a, 'subscribe', { user: 'ana', channel: 'closed:hers', info, data: [7] })).toEqual({})
    for (const client of [ana, ana2]) {
      const found = () => client.pushes('closed:hers').find((push) => 'subscribe' in push)
      await client.until(() => found() !== undefined, 'a subscription')
      expect(found()?.subscribe.data).toEqual([7])
    }
    await result(a, 'unsubscribe', { user: 'ana', channel: 'closed:hers', client: id2 })
    const ended = () => ana2.pushes('closed:hers').find((push) => 'unsubscribe' in push)
    await ana2.until(() => ended() !== undefined, 'an end')
    expect(ended()?.unsubscribe.code).toBe(2000)
    expect(ana.pushes('closed:hers').some((push) => 'unsubscribe' in push)).toBe(false)
    const override = { presence: { value: true }, join_leave: { value: true } }
    await result(b, 'subscribe', { user: 'ana', channel: 'closed:shown', override, b64info: 'eyJ5IjoxfQ==' })
    const members = async () => Object.keys((await result(a, 'presence', { channel: 'room:x' })).presence)
    expect(await members()).toEqual([])
    for (const method of ['subscribe', 'unsubscribe']) {
      expect(await codeOf(a, method, { channel: 'closed:a' })).toBe(107)
      expect(await codeOf(a, method, { user: 'ana' })).toBe(107)
      expect(await codeOf(a, method, { user: '', channel: 'closed:a' })).toBe(107)
      expect(await codeOf(a, method, { user: 'ana', channel: 'nowhere:a' })).toBe(102)
      expect(await codeOf(a, method, { user: 'nobody', channel: 'closed:a' })).toBe(0)
    }
    expect(await codeOf(a, 'subscribe', { user: 'ana', channel: 'closed:b', recover_since: {} })).toBe(108)
    expect(await codeOf(a, 'subscribe', { user: 'ana', channel: 'closed:b', b64info: 'AQI=' })).toBe(107)
  })

  it('[23.11] closes the connections of a user, with the code that is wanted, but those that stay', async () => {
    const [a, b] = [await start(), await start()]
    const [[ana], [ana2, id2], [ben]] = [await join(a, 'ana'), await join(b, 'ana'), await join(a, 'ben')]
    await result(b, 'disconnect', { user: 'ana', whitelist: [id2] })
    await ana.until(() => ana.closed !== undefined, 'its end')
    expect(ana.closed).toEqual({ code: 3503, reason: 'force disconnect' })
    expect([ana2.closed, ben.closed]).toEqual([undefined, undefined])
    await result(a, 'disconnect', { user: 'ana', disconnect: { code: 4501, reason: 'paid' } })
    await ana2.until(() => ana2.closed !== undefined, 'its end')
    expect(ana2.closed).toEqual({ code: 4501, reason: 'paid' })
    for (const body of [
      {},
      { user: '' },
      { user: 'x', disconnect: { code: 1000 } },
      { user: 'x', disconnect: {} },
    ])
      expect(await codeOf(a, 'disconnect', body)).toBe(107)
    const long = { code: 4000, reason: 'x'.repeat(124) }
    expect(await codeOf(a, 'disconnect', { user: 'x', disconnect: long })).toBe(107)
  })

  it('[23.12] says anew when a connection ends, tells its client, and ends what has expired', async () => {
    const secret = 'a-secret-of-thirty-two-characters'
    const overrides = { httpApi: {}, secret }
    const [a, b] = [await bench.start(overrides), await bench.start(overrides)]
    const token = new SignJWT({ sub: 'ben' }).setProtectedHeader({ alg: 'HS256' })
    const client = await bench.keep(RawClient.open(b.url))
    const { connect } = await client.call('connect', { token: await token.sign(Buffer.from(secret)) })
    expect(connect.expires).toBeUndefined()
    await result(a, 'refresh', {
      user: 'ben',
      expire_at: Math.floor(Date.now() / 1_000) + 3_600,
      info: { x: 1 },
    })
    const refreshed = () => client.received.find(({ push }) => push?.refresh !== undefined)?.['push'].refresh
    await client.until(() => refreshed() !== undefined, 'a refresh')
    expect(refreshed()).toEqual({ expires: true, ttl: expect.any(Number) })
    await client.call('subscribe', { channel: 'room:a' })
    const { presence } = await result(a, 'presence', { channel: 'room:a' })
    expect(Object.values(presence)).toMatchObject([{ conn_info: { x: 1 } }])
    await result(a, 'refresh', { user: 'ben', expired: true })
    await client.until(() => client.closed !== undefined, 'its end')
    expect(client.closed?.code).toBe(3005)
    expect(await codeOf(a, 'refresh')).toBe(107)
    expect(await codeOf(a, 'refresh', { user: 'ben', expire_at: -1 })).toBe(107)
  })

  it('[23.13] gathers channels and gateways from all of them', async () => {
    const [a, b] = [await start(), await start()]
    const [[ana], [ben]] = [await join(a, 'ana'), await join(b, 'ben')]
    for (const channel of ['room:a', 'room:b', 'joins:c']) await ana.call('subscribe', { channel })
    await ben.call('subscribe', { channel: 'room:a' })
    expect(await result(b, 'channels')).toEqual({
      channels: { 'room:a': { num_clients: 2 }, 'room:b': { num_clients: 1 }, 'joins:c': { num_clients: 1 } },
    })
    const named = async (pattern: string) =>
      Object.keys((await result(a, 'channels', { pattern })).channels).toSorted()
    expect(await named('room:*')).toEqual(['room:a', 'room:b'])
    expect(await named('{joins,room}:[b-c]')).toEqual(['joins:c', 'room:b'])
    expect(await named('nothing*')).toEqual([])
    expect(await codeOf(a, 'channels', { pattern: '[a' })).toBe(107)
    const { nodes } = await result(b, 'info')
    expect(nodes.map(({ name }: { name: string }) => name).toSorted()).toEqual([a.name, b.name].toSorted())
    expect(nodes).toContainEqual(
      expect.objectContaining({
        uid: a.name,
        num_clients: 1,
        num_users: 1,
        num_subs: 3,
        num_channels: 3,
        version: 'test',
      }),
    )
  })

  it('[23.14] shows a user’s connections, on whatever gateway, and what their programs call themselves', async () => {
    const [a, b] = [await start(), await start()]
    const [, id] = await join(a, 'ana', { name: 'shop', version: '1.2' })
    const [client] = await join(b, 'ana')
    await client.call('subscribe', { channel: 'room:a' })
    const { connections } = await result(b, 'connections', { user: 'ana' })
    expect(Object.keys(connections)).toHaveLength(2)
    expect(connections[id]).toEqual({
      app_name: 'shop',
      app_version: '1.2',
      transport: 'websocket',
      protocol: 'json',
      user: 'ana',
      state: { channels: {}, meta: { m: 1 } },
      connected_at_ms: expect.any(Number),
    })
    const channels = Object.values<{ state: { channels: object } }>(connections).map(
      ({ state }) => state.channels,
    )
    expect(channels).toContainEqual({ 'room:a': {} })
    expect(await result(a, 'connections', { user: 'nobody' })).toEqual({ connections: {} })
    expect(await codeOf(a, 'connections')).toBe(107)
  })

  it('[23.15] takes a way in back, in seconds', async () => {
    const node = await start()
    const [ana] = await join(node, 'ana')
    const end = Math.floor(Date.now() / 1_000) + 60
    expect(await result(node, 'block_user', { user: 'ana', expire_at: end })).toEqual({})
    await ana.until(() => ana.closed !== undefined, 'its end')
    expect(ana.closed?.code).toBe(3507)
    expect(await result(node, 'unblock_user', { user: 'ana' })).toEqual({})
    expect(await result(node, 'revoke_token', { uid: 'token-1' })).toEqual({})
    expect(
      await result(node, 'invalidate_user_tokens', { user: 'ben', issued_before: end - 60, expire_at: end }),
    ).toEqual({})
    for (const method of ['block_user', 'unblock_user', 'revoke_token', 'invalidate_user_tokens'])
      expect(await codeOf(node, method)).toBe(107)
    expect(await codeOf(node, 'block_user', { user: 'ana', expire_at: 1 })).toBe(107)
  })

  it('[23.16] does a batch in its order, and answers for each command', async () => {
    const node = await start()
    const text = (parallel: boolean) =>
      `{"parallel":${parallel},"commands":[{"publish":{"channel":"room:a","data":1.0}},{"publish":{"channel":"nowhere:a","data":1}},` +
      `{"nothing":{}},{},{"history":{"channel":"room:a","limit":-1}}]}`
    const { status, json, text: answer } = await tell(node, 'batch', text(false))
    expect([status, Object.keys(json)]).toEqual([200, ['replies']])
    const [first, second, third, fourth, fifth] = json.replies
    expect(first.publish.offset).toEqual(expect.any(Number))
    expect([second.error.code, third.error.code, fourth.error.code]).toEqual([102, 104, 107])
    expect(fifth.history.publications).toHaveLength(1)
    expect(answer).toContain('"data":1.0')
    expect((await tell(node, 'batch', text(true))).json.replies).toHaveLength(5)
    expect((await tell(node, 'batch')).json).toEqual({ replies: [] })
    expect(await codeOf(node, 'batch', { commands: 5 })).toBe(107)
    expect(await codeOf(node, 'batch', { commands: Array.from({ length: 1_001 }, () => ({})) })).toBe(106)
  })

  it('[23.17] takes the old form: one command, or many in lines', async () => {
    const node = await start()
    const one = await tell(node, '', '{"method":"publish","params":{"channel":"room:a","data":1.0}}')
    expect([one.status, one.json.result.offset]).toEqual([200, expect.any(Number)])
    const lines = [
      '{"id":1,"method":"PUBLISH","params":{"channel":"room:a","data":2}}',
      '{"method":"nothing","params":{}}',
      '{"method":"publish","params":{"channel":"room:a"}}',
      '{"method":"info"}',
    ]
    const { text } = await tell(node, '', lines.join('\n'))
    const replies = text.split('\n').map((line) => JSON.parse(line))
    expect(replies).toMatchObject([
      { id: 1, result: {} },
      { error: { code: 104 } },
      { error: { code: 107 } },
      { result: {} },
    ])
    const data = (await result(node, 'history', { channel: 'room:a', limit: 9 })).publications.map(
      ({ data: value }: { data: unknown }) => value,
    )
    expect(data).toEqual([1, 2])
    for (const broken of ['', 'x', '{"method":"publish"', '[]', '5', `${lines[0]}\nx`])
      expect((await tell(node, '', broken)).status).toBe(400)
    expect((await result(node, 'history', { channel: 'room:a', limit: 9 })).publications).toHaveLength(2) // all or nothing
  })

  it('[23.20] says of what there is not that there is not', async () => {
    const node = await start()
    expect((await tell(node, 'history_remove', { channel: 'room:a' })).status).toBe(404)
    expect(await codeOf(node, 'rpc', { method: 'anything', params: { a: 1 } })).toBe(104)
    expect(await codeOf(node, 'rpc')).toBe(107)
    const since = { recover_since: { offset: 1, epoch: 'e' } }
    expect(await codeOf(node, 'subscribe', { user: 'ana', channel: 'room:a', ...since })).toBe(108)
  })

  it('[23.1] serves on the port of the clients where that is wanted, and there alone', async () => {
    const node = await start({ httpApi: { isExternal: true } })
    expect(node.apiUrl).toBe('')
    const url = httpOf(node.url, '/api/info')
    const headers = { 'x-api-key': apiKey }
    expect(told(await ask(url, { method: 'POST', headers, body: '{}' })).json.result.nodes).toHaveLength(1)
    expect((await ask(url, { method: 'POST', body: '{}' })).status).toBe(401)
    const without = await start()
    expect(
      (await ask(httpOf(without.url, '/api/info'), { method: 'POST', headers, body: '{}' })).status,
    ).toBe(404)
  })
})
